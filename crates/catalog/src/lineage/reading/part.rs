//! What a walk from one node meets.

use std::collections::HashMap;

use weir_core::lineage::{Adjacency, Direction, Graph, GraphPart, WalkLimits, walk};

use super::names::NameReader;
use crate::lineage::edge_item::{BackwardItem, EdgeItem};
use crate::lineage::shelf::{Blocks, Part, Place, Reader};

/// What a walk meets from one of a trace's names on.
pub fn part<B: Blocks>(
    blocks: &mut B,
    trace: i64,
    start: u32,
    direction: Direction,
    limits: WalkLimits,
) -> Result<GraphPart, B::Error> {
    let mut around = Around {
        blocks,
        names: NameReader::new(trace),
        edges: Reader::new(Place { trace, part: Part::Edges }),
        backwards: Reader::new(Place { trace, part: Part::Backwards }),
    };
    let start = around.names.root(around.blocks, start)? as usize;
    let walked = walk(&mut around, start, direction, limits)?;
    let (mut nodes, mut edges) = (Vec::with_capacity(walked.met.len()), Vec::new());
    let mut distances = HashMap::with_capacity(walked.met.len());
    for (root, distance) in &walked.met {
        let node = around.names.node(around.blocks, *root as u32)?;
        distances.insert(node.id, *distance);
        nodes.push((*root, node));
        around.edges_from(*root, &mut edges)?;
    }
    let edges = edges.into_iter().map(|(from, edge)| (from, edge.to as usize, edge.kind, edge.facts));
    let graph = Graph::assemble(nodes, edges);
    let distances = graph.nodes.iter().map(|node| distances.get(&node.id).copied().unwrap_or(0)).collect();
    Ok(GraphPart { graph, distances, is_cut: walked.is_cut })
}

/// What lies beside a node, on disk.
struct Around<'b, B> {
    blocks: &'b mut B,
    names: NameReader,
    edges: Reader<EdgeItem>,
    backwards: Reader<BackwardItem>,
}

impl<B: Blocks> Around<'_, B> {
    /// The edges that begin at a node, with its own number, and the roots of the nodes they lead to.
    fn edges_from(&mut self, root: usize, found: &mut Vec<(usize, EdgeItem)>) -> Result<(), B::Error> {
        for number in self.names.numbers(self.blocks, root as u32)? {
            let first = found.len();
            let prefix = number.to_be_bytes();
            self.edges.each_with_prefix(self.blocks, &prefix, |edge| found.push((root, edge.clone())))?;
            for (_, edge) in &mut found[first..] {
                edge.to = self.names.root(self.blocks, edge.to)?;
            }
        }
        Ok(())
    }
}

impl<B: Blocks> Adjacency for Around<'_, B> {
    type Error = B::Error;

    fn neighbours(&mut self, node: usize, direction: Direction) -> Result<Vec<usize>, B::Error> {
        let mut neighbours = Vec::new();
        for number in self.names.numbers(self.blocks, node as u32)? {
            let prefix = number.to_be_bytes();
            if direction != Direction::Upstream {
                self.edges.each_with_prefix(self.blocks, &prefix, |edge| neighbours.push(edge.to))?;
            }
            if direction != Direction::Downstream {
                let backwards = &mut self.backwards;
                backwards.each_with_prefix(self.blocks, &prefix, |edge| neighbours.push(edge.from))?;
            }
        }
        neighbours.into_iter().map(|number| Ok(self.names.root(self.blocks, number)? as usize)).collect()
    }
}
