//! A whole trace, or as much of it as is asked for.

use std::collections::HashMap;
use std::ops::ControlFlow;

use weir_core::lineage::{Graph, NodeFacts, WholeGraph};

use super::each;
use super::names::NameReader;
use crate::lineage::edge_item::EdgeItem;
use crate::lineage::name_item::NameItem;
use crate::lineage::row::TraceRow;
use crate::lineage::shelf::{Blocks, Part, Place};

/// As many nodes as are asked for, in the order in which they came, and the edges between them.
pub fn graph<B: Blocks>(blocks: &mut B, row: &TraceRow, nodes_max: usize) -> Result<WholeGraph, B::Error> {
    let nodes_total = usize::try_from(row.figures.nodes).unwrap_or(0);
    let (mut roots, mut others): (Vec<NameItem>, HashMap<u32, Vec<_>>) = (Vec::new(), HashMap::new());
    // By name: under which name its node is kept. Words stand for themselves, and no edge leads to them.
    let mut root_of: Vec<u32> = Vec::new();
    let is_whole = nodes_max >= nodes_total;
    each::<NameItem, B>(blocks, Place { trace: row.id, part: Part::Names }, &[], |item| {
        root_of.push(item.root.unwrap_or(item.number));
        match item.root {
            Some(root) => others.entry(root).or_default().push(item.named()),
            None if item.word().is_some() => {}
            None if roots.len() < nodes_max => roots.push(item),
            None => return Ok(ControlFlow::Break(())),
        }
        Ok(ControlFlow::Continue(()))
    })?;
    if !is_whole {
        for root in &roots {
            complete(blocks, row.id, root, &mut others)?;
        }
    }
    let mut edges = Vec::new();
    each::<EdgeItem, B>(blocks, Place { trace: row.id, part: Part::Edges }, &[], |edge| {
        if let (Some(from), Some(to)) = (root_of.get(edge.from as usize), root_of.get(edge.to as usize)) {
            edges.push((*from as usize, *to as usize, edge.kind, edge.facts));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    let node =
        |root: NameItem| (root.number as usize, root.node(others.remove(&root.number).unwrap_or_default()));
    let nodes = roots.into_iter().map(node).collect();
    Ok(WholeGraph { graph: Graph::assemble(nodes, edges), nodes_total })
}

/// Finds the names of a node that come after the last one that was read.
fn complete<B: Blocks>(
    blocks: &mut B,
    trace: i64,
    root: &NameItem,
    others: &mut HashMap<u32, Vec<(Box<str>, NodeFacts)>>,
) -> Result<(), B::Error> {
    if root.others.len() > others.get(&root.number).map_or(0, Vec::len) {
        let mut names = NameReader::new(trace);
        let named = root.others.iter().map(|other| Ok(names.item(blocks, *other)?.named()));
        others.insert(root.number, named.collect::<Result<_, B::Error>>()?);
    }
    Ok(())
}
