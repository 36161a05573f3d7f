//! What a walk from one node meets.

use std::collections::HashMap;

use weir_core::lineage::{Adjacency, Direction, Graph, GraphPart, WalkLimits, walk};

use super::names::NameReader;
use crate::lineage::edge_item::{BackwardItem, EdgeItem};
use crate::lineage::shelf::{Blocks, Part, Place, Reader};

/// So many keys are looked for together; of more, each block that is fetched has many.
const EXPECTED_MAX_KEYS: usize = 2_000;

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
    around.expect_edges(&walked.met)?;
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
    fn expect_edges(&mut self, nodes: &[(usize, usize)]) -> Result<(), B::Error> {
        self.blocks.expect(self.edges.place(), &mut prefixes(nodes))
    }

    /// What will be asked about the nodes that edges of these lead to.
    fn expect_beside(&mut self, nodes: &[(usize, usize)], direction: Direction) -> Result<(), B::Error> {
        let mut beside = Vec::new();
        for (node, _) in nodes.iter().take(EXPECTED_MAX_KEYS) {
            self.beside(*node as u32, direction, &mut beside)?;
        }
        beside.truncate(EXPECTED_MAX_KEYS);
        // Mostly a name is its node's only one.
        let keys = || beside.iter().map(|number| number.to_be_bytes().to_vec()).collect();
        let mut wanted = vec![(self.names.place(), keys())];
        if direction != Direction::Upstream {
            wanted.push((self.edges.place(), keys()));
        }
        if direction != Direction::Downstream {
            wanted.push((self.backwards.place(), keys()));
        }
        self.blocks.expect_all(wanted)
    }

    /// The names that edges of a name lead to.
    fn beside(&mut self, number: u32, direction: Direction, found: &mut Vec<u32>) -> Result<(), B::Error> {
        let prefix = number.to_be_bytes();
        if direction != Direction::Upstream {
            self.edges.each_with_prefix(self.blocks, &prefix, |edge| found.push(edge.to))?;
        }
        if direction != Direction::Downstream {
            self.backwards.each_with_prefix(self.blocks, &prefix, |edge| found.push(edge.from))?;
        }
        Ok(())
    }

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

    fn expect(&mut self, nodes: &[(usize, usize)], direction: Direction) -> Result<(), B::Error> {
        if !B::IS_FAR {
            return Ok(());
        }
        if direction != Direction::Upstream {
            self.expect_edges(nodes)?;
        }
        if direction != Direction::Downstream {
            self.blocks.expect(self.backwards.place(), &mut prefixes(nodes))?;
        }
        self.expect_beside(nodes, direction)
    }

    fn neighbours(&mut self, node: usize, direction: Direction) -> Result<Vec<usize>, B::Error> {
        let mut neighbours = Vec::new();
        for number in self.names.numbers(self.blocks, node as u32)? {
            self.beside(number, direction, &mut neighbours)?;
        }
        neighbours.into_iter().map(|number| Ok(self.names.root(self.blocks, number)? as usize)).collect()
    }
}

/// Where the edges of nodes begin, of those that have one name.
fn prefixes(nodes: &[(usize, usize)]) -> impl Iterator<Item = Vec<u8>> + '_ {
    nodes.iter().take(EXPECTED_MAX_KEYS).map(|(node, _)| (*node as u32).to_be_bytes().to_vec())
}
