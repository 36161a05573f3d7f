//! A trace as a picture: nodes and what leads from one to another.
//!
//! **Constraint.** The same lineage is the same graph, whatever order its records came in: nodes stand by key, edges by
//! the places of their ends.

use std::collections::{BTreeMap, HashMap};

use super::facts::{EdgeFacts, EdgeKind, NodeFacts};
use super::figures::{Databases, Figures};
use super::merge::Join;
use super::node::Node;
use super::trace::TraceLineage;

/// How one node leads to another, by their places in the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Where it begins.
    pub from: usize,
    /// Where it leads.
    pub to: usize,
    /// How.
    pub kind: EdgeKind,
    /// What is known of it.
    pub facts: EdgeFacts,
}

impl Edge {
    /// By which operation.
    pub fn operation(&self) -> Option<&str> {
        self.facts.operation.value().map(|operation| &**operation)
    }
}

/// Nodes and edges; of a whole trace, or of a part of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    /// By key.
    pub nodes: Vec<Node>,
    /// By the places of their ends, and kind.
    pub edges: Vec<Edge>,
}

impl Graph {
    /// The graph of a whole trace.
    pub fn of(lineage: &TraceLineage) -> Self {
        let names: Vec<&str> = lineage.nodes.keys().map(|name| &**name).collect();
        let place = |name: &str| names.binary_search(&name).ok();
        let mut classes = Classes::new(names.len());
        for (key, alias) in &lineage.aliases {
            if let (Some(key), Some(alias)) = (place(key), place(alias)) {
                classes.unite(key, alias);
            }
        }
        let mut members: BTreeMap<usize, Vec<(Box<str>, NodeFacts)>> = BTreeMap::new();
        for (index, (name, facts)) in lineage.nodes.iter().enumerate() {
            members.entry(classes.root(index)).or_default().push((name.clone(), facts.clone()));
        }
        let nodes = members.into_iter().map(|(root, named)| (root, Node::of(0, named))).collect();
        let edges = lineage.edges.iter().filter_map(|(name, facts)| {
            let (from, to) = (place(&name.from)?, place(&name.to)?);
            Some((classes.root(from), classes.root(to), name.kind, facts.clone()))
        });
        let edges: Vec<_> = edges.collect();
        Self::assemble(nodes, edges)
    }

    /// Puts nodes in order, and edges between them; the numbers are whatever the edges call the nodes by. Edges that
    /// say the same are joined, and those without both ends left out.
    pub fn assemble(
        nodes: Vec<(usize, Node)>,
        edges: impl IntoIterator<Item = (usize, usize, EdgeKind, EdgeFacts)>,
    ) -> Self {
        // A node is large: it is moved once, to its place.
        let mut order: Vec<usize> = (0..nodes.len()).collect();
        order.sort_unstable_by(|one, other| nodes[*one].1.key().cmp(nodes[*other].1.key()));
        let places: HashMap<usize, usize> =
            order.iter().enumerate().map(|(place, from)| (nodes[*from].0, place)).collect();
        let mut unplaced: Vec<Option<Node>> = nodes.into_iter().map(|(_, node)| Some(node)).collect();
        let nodes = order.into_iter().filter_map(|from| unplaced[from].take()).collect();
        let edges = edges.into_iter().filter_map(|(from, to, kind, facts)| {
            Some(Edge { from: *places.get(&from)?, to: *places.get(&to)?, kind, facts })
        });
        let mut edges: Vec<Edge> = edges.collect();
        edges.sort_by_key(|edge| (edge.from, edge.to, edge.kind));
        edges.dedup_by(|later, first| {
            let is_same = (later.from, later.to, later.kind) == (first.from, first.to, first.kind);
            if is_same {
                first.facts.join(std::mem::take(&mut later.facts));
            }
            is_same
        });
        Self { nodes, edges }
    }

    /// The place of the node that goes by this name.
    pub fn place_of(&self, name: &str) -> Option<usize> {
        let by_key = self.nodes.binary_search_by(|node| node.key().cmp(name)).ok();
        by_key.or_else(|| self.nodes.iter().position(|node| node.names.iter().any(|known| &**known == name)))
    }

    /// What its nodes add up to.
    pub fn figures(&self) -> Figures {
        let mut figures = Figures::default();
        for node in &self.nodes {
            figures.add(&Figures::of(node), 1);
        }
        figures
    }

    /// How many databases its nodes stand for.
    pub fn databases(&self) -> usize {
        let mut databases = Databases::default();
        for node in &self.nodes {
            databases.add(node, 1);
        }
        databases.0.len()
    }
}

/// Which places mean one thing.
struct Classes(Vec<usize>);

impl Classes {
    fn new(count: usize) -> Self {
        Self((0..count).collect())
    }

    fn root(&mut self, place: usize) -> usize {
        let mut root = place;
        while self.0[root] != root {
            // Every second step is cut short, so that the way never stays long.
            self.0[root] = self.0[self.0[root]];
            root = self.0[root];
        }
        root
    }

    fn unite(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        self.0[one.max(other)] = one.min(other);
    }
}
