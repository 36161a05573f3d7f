//! Where the others went: what became of the nodes that stand beside one.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::EdgeKind;
use super::graph::Graph;
use super::links::Links;
use super::node::NodeState;
use super::record::NodeKind;

/// Of each group so many are named.
const NAMED_MAX: usize = 5;

/// Siblings of one kind and one fate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiblingGroup {
    /// What they are.
    pub kind: NodeKind,
    /// What became of them.
    pub state: NodeState,
    /// Why, where they were dropped.
    pub reason: Option<String>,
    /// How many.
    pub count: usize,
    /// The first few, by key.
    pub keys: Vec<String>,
    /// Where they went.
    pub into: Vec<Outcome>,
}

/// What was made of some of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How.
    pub edge: EdgeKind,
    /// By which operation.
    pub operation: Option<String>,
    /// Into what.
    pub kind: NodeKind,
    /// How many.
    pub count: usize,
    /// The first few, by key.
    pub keys: Vec<String>,
}

/// The nodes that have a parent in common with this one; for a node without any, the other roots of its kind.
pub fn siblings(graph: &Graph, links: &Links, node: usize) -> Vec<SiblingGroup> {
    let parents: BTreeSet<usize> = links.to(node).map(|edge| graph.edges[edge].from).collect();
    let beside: BTreeSet<usize> = match parents.is_empty() {
        true => {
            let kind = graph.nodes[node].kind();
            let is_like = |other: &usize| links.is_root(*other) && graph.nodes[*other].kind() == kind;
            (0..graph.nodes.len()).filter(is_like).collect()
        }
        false => {
            parents.iter().flat_map(|parent| links.from(*parent)).map(|edge| graph.edges[edge].to).collect()
        }
    };
    let mut groups: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for other in beside.into_iter().filter(|other| *other != node) {
        let told = &graph.nodes[other];
        groups.entry((told.kind(), told.state(), told.reason())).or_default().push(other);
    }
    let group = |((kind, state, reason), members): ((_, _, Option<&str>), Vec<usize>)| SiblingGroup {
        kind,
        state,
        reason: reason.map(str::to_owned),
        count: members.len(),
        keys: keys(graph, members.iter().copied()),
        into: outcomes(graph, links, &members),
    };
    groups.into_iter().map(group).collect()
}

fn outcomes(graph: &Graph, links: &Links, members: &[usize]) -> Vec<Outcome> {
    let mut groups: BTreeMap<_, BTreeSet<usize>> = BTreeMap::new();
    for edge in members.iter().flat_map(|member| links.from(*member)).map(|edge| &graph.edges[edge]) {
        let kind = graph.nodes[edge.to].kind();
        groups.entry((edge.kind, edge.operation(), kind)).or_default().insert(edge.to);
    }
    let outcome = |((edge, operation, kind), into): ((_, Option<&str>, _), BTreeSet<usize>)| Outcome {
        edge,
        operation: operation.map(str::to_owned),
        kind,
        count: into.len(),
        keys: keys(graph, into.iter().copied()),
    };
    groups.into_iter().map(outcome).collect()
}

fn keys(graph: &Graph, nodes: impl Iterator<Item = usize>) -> Vec<String> {
    nodes.take(NAMED_MAX).map(|node| graph.nodes[node].key().to_owned()).collect()
}
