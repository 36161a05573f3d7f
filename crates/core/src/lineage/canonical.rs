//! A trace in the form that hangs on its records alone: keys for numbers, no places, everything sorted.
//!
//! **Constraint.** The same records give the same bytes, in whatever order, company and database they came to lie.

use std::collections::BTreeMap;

use serde::Serialize;

use super::graph::Graph;
use super::json::Json;
use super::links::{Circles, Links};
use super::node::Node;
use super::store::{Missing, Trace};
use crate::time::Timestamp;

#[derive(Serialize)]
struct Canonical<'a> {
    trace: CanonicalTrace<'a>,
    nodes: Vec<CanonicalNode<'a>>,
    edges: Vec<CanonicalEdge<'a>>,
}

#[derive(Serialize)]
struct CanonicalTrace<'a> {
    key: &'a str,
    user: Option<&'a str>,
    is_ended: bool,
    started_at: Option<String>,
    ended_at: Option<String>,
    first_at: Option<String>,
    last_at: Option<String>,
    records: u64,
    files: i64,
    dropped: i64,
    became_data: i64,
    never_became_data: i64,
    data: i64,
    outputs: i64,
    databases: u64,
    missing: Vec<CanonicalGap<'a>>,
    missing_more: u64,
}

#[derive(Serialize)]
struct CanonicalGap<'a> {
    sender: &'a str,
    from: u64,
    to: u64,
}

#[derive(Serialize)]
struct CanonicalNode<'a> {
    key: &'a str,
    aliases: &'a [Box<str>],
    kind: &'static str,
    state: &'static str,
    reason: Option<&'a str>,
    placeholder: bool,
    user: Option<&'a str>,
    times: BTreeMap<&'static str, String>,
    dropped_at: Option<String>,
    attrs: BTreeMap<&'a str, &'a Json>,
}

#[derive(Serialize)]
struct CanonicalEdge<'a> {
    from: &'a str,
    to: &'a str,
    kind: &'static str,
    operation: Option<&'a str>,
    cycle: bool,
}

/// The whole trace as one line of JSON.
pub fn canonical(trace: &Trace, graph: &Graph) -> String {
    let links = Links::of(graph);
    let circles = Circles::of(graph, &links);
    let key = |node: usize| graph.nodes[node].key();
    let edges = graph.edges.iter().zip(&circles.is_on_circle).map(|(edge, cycle)| CanonicalEdge {
        from: key(edge.from),
        to: key(edge.to),
        kind: edge.kind.as_str(),
        operation: edge.operation(),
        cycle: *cycle,
    });
    let whole = Canonical {
        trace: canonical_trace(trace),
        nodes: graph.nodes.iter().map(canonical_node).collect(),
        edges: edges.collect(),
    };
    // Text and numbers only; there is nothing in it that JSON cannot say.
    serde_json::to_string(&whole).unwrap_or_default()
}

fn canonical_trace(trace: &Trace) -> CanonicalTrace<'_> {
    let Trace { key, facts, records, figures, databases, missing, missing_more, .. } = trace;
    let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
    CanonicalTrace {
        key,
        user: facts.user.as_ref().map(|(_, _, user)| &**user),
        is_ended: facts.is_ended(),
        started_at: text(facts.started_at),
        ended_at: text(facts.ended_at),
        first_at: text(facts.first_at),
        last_at: text(facts.last_at),
        records: *records,
        files: figures.files,
        dropped: figures.dropped,
        became_data: figures.became_data,
        never_became_data: figures.never_became_data,
        data: figures.data,
        outputs: figures.outputs,
        databases: *databases,
        missing: missing.iter().map(canonical_gap).collect(),
        missing_more: *missing_more,
    }
}

fn canonical_gap(Missing { sender, from, to }: &Missing) -> CanonicalGap<'_> {
    CanonicalGap { sender, from: *from, to: *to }
}

fn canonical_node(node: &Node) -> CanonicalNode<'_> {
    let facts = &node.facts;
    let attrs = facts.attrs.iter().filter_map(|(name, value)| Some((&**name, value.value()?)));
    CanonicalNode {
        key: node.key(),
        aliases: node.aliases(),
        kind: node.kind().as_str(),
        state: node.state().as_str(),
        reason: node.reason(),
        placeholder: node.is_placeholder(),
        user: facts.user.value().map(|user| &**user),
        times: facts.deeds.all().map(|(deed, at)| (deed.as_str(), at.to_string())).collect(),
        dropped_at: facts.dropped.moment().map(|at| at.to_string()),
        attrs: attrs.filter(|(_, value)| !value.is_null()).collect(),
    }
}
