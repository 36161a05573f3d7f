//! Folding what looks the same: siblings of one kind, operation, outcome and reason are drawn as one, with their count.
//!
//! What was folded counts as one for the next layer, so that a thousand files of one fate are one line. What lies on a
//! circle is never folded.

use std::collections::HashMap;

use super::facts::EdgeKind;
use super::graph::{Edge, Graph};
use super::layout::Place;
use super::links::{Circles, Links};
use super::node::NodeState;
use super::record::NodeKind;

/// A graph whose nodes may stand for many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    /// The nodes that are drawn: of those that were folded, the one with the least key.
    pub graph: Graph,
    /// For how many each of them stands.
    pub counts: Vec<usize>,
    /// For how many each edge stands.
    pub edge_counts: Vec<usize>,
}

/// What nodes that are folded have in common.
#[derive(PartialEq, Eq, Hash)]
struct Likeness<'a> {
    kind: NodeKind,
    state: NodeState,
    reason: Option<&'a str>,
    is_placeholder: bool,
    /// What led to it: from which class, by which operation.
    ways: Vec<(usize, Option<&'a str>, EdgeKind)>,
    /// What lies on a circle is like nothing but itself.
    alone: Option<usize>,
}

/// Folds a graph whose layers are known.
pub fn collapse(graph: &Graph, links: &Links, circles: &Circles, places: &[Place]) -> Folded {
    let mut is_on_circle = vec![false; graph.nodes.len()];
    for (edge, _) in graph.edges.iter().zip(&circles.is_on_circle).filter(|(_, is_on)| **is_on) {
        (is_on_circle[edge.from], is_on_circle[edge.to]) = (true, true);
    }
    let mut order: Vec<usize> = (0..graph.nodes.len()).collect();
    order.sort_by_key(|node| places[*node].x);
    let mut class_of = vec![0; graph.nodes.len()];
    let mut classes: HashMap<Likeness<'_>, usize> = HashMap::new();
    // By class: the first node, which has the least key, and how many.
    let mut members: Vec<(usize, usize)> = Vec::new();
    for node in order {
        let likeness = likeness(graph, links, node, &class_of, is_on_circle[node]);
        let class = *classes.entry(likeness).or_insert_with(|| {
            members.push((node, 0));
            members.len() - 1
        });
        class_of[node] = class;
        members[class].1 += 1;
    }
    fold(graph, &class_of, &members)
}

fn likeness<'a>(
    graph: &'a Graph,
    links: &Links,
    node: usize,
    class_of: &[usize],
    is_on_circle: bool,
) -> Likeness<'a> {
    let way = |edge: usize| {
        let edge = &graph.edges[edge];
        (class_of[edge.from], edge.operation(), edge.kind)
    };
    let mut ways: Vec<_> = if is_on_circle { Vec::new() } else { links.to(node).map(way).collect() };
    ways.sort_unstable();
    ways.dedup();
    let (told, alone) = (&graph.nodes[node], is_on_circle.then_some(node));
    Likeness {
        kind: told.kind(),
        state: told.state(),
        reason: told.reason(),
        is_placeholder: told.is_placeholder(),
        ways,
        alone,
    }
}

fn fold(graph: &Graph, class_of: &[usize], members: &[(usize, usize)]) -> Folded {
    let nodes = members.iter().enumerate().map(|(class, (first, _))| (class, graph.nodes[*first].clone()));
    let edges = graph.edges.iter().map(|edge| {
        let (from, to) = (class_of[edge.from], class_of[edge.to]);
        (from, to, edge.kind, edge.facts.clone())
    });
    let folded = Graph::assemble(nodes.collect(), edges);
    let mut by_key: Vec<usize> = (0..members.len()).collect();
    by_key.sort_unstable_by_key(|class| graph.nodes[members[*class].0].key());
    let mut place_of = vec![0; members.len()];
    for (place, class) in by_key.iter().enumerate() {
        place_of[*class] = place;
    }
    let mut counted: HashMap<(usize, usize, EdgeKind), usize> = HashMap::new();
    for edge in &graph.edges {
        let ends = (place_of[class_of[edge.from]], place_of[class_of[edge.to]], edge.kind);
        *counted.entry(ends).or_default() += 1;
    }
    let edge_count = |edge: &Edge| counted.get(&(edge.from, edge.to, edge.kind)).copied();
    Folded {
        counts: by_key.iter().map(|class| members[*class].1).collect(),
        edge_counts: folded.edges.iter().map(|edge| edge_count(edge).unwrap_or(1)).collect(),
        graph: folded,
    }
}
