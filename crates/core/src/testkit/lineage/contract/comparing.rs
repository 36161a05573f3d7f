//! One store beside another: whatever can be asked, they say the same.

use std::collections::BTreeSet;

use crate::lineage::{
    Direction, GraphPart, LineageStore, PageLimits, RecordChoice, TelemetryRecord, Trace, TraceFilter,
    WalkLimits, canonical,
};

/// More than any trace of the suite has.
pub(super) const ALL_NODES: usize = 1_000_000;
pub(super) const EVERYTHING: WalkLimits = WalkLimits { depth_max: usize::MAX, nodes_max: ALL_NODES };
pub(super) const ONE_PAGE: PageLimits = PageLimits { max_records: 1_000_000, max_bytes: 1 << 30 };

/// A trace's canonical form; the empty text where there is no such trace.
pub async fn canonical_in(store: &impl LineageStore, trace: &str) -> String {
    let Some(trace) = store.trace(trace).await.unwrap() else { return String::new() };
    canonical(&trace, &store.graph(trace.id, ALL_NODES).await.unwrap().graph)
}

/// The first thing that the two say otherwise about these traces, if there is any.
pub async fn differences(
    one: &impl LineageStore,
    other: &impl LineageStore,
    traces: &BTreeSet<Box<str>>,
) -> Option<String> {
    let listed = (keys(one).await, keys(other).await);
    if listed.0 != listed.1 {
        return Some(format!("traces: {:?} and {:?}", listed.0, listed.1));
    }
    for trace in traces {
        let told = (canonical_in(one, trace).await, canonical_in(other, trace).await);
        if told.0 != told.1 {
            return Some(format!("{trace}:\n{}\n{}", told.0, told.1));
        }
        let told = (texts(one, trace).await, texts(other, trace).await);
        if told.0 != told.1 {
            return Some(format!("records of {trace}: {:#?}\n{:#?}", told.0, told.1));
        }
    }
    None
}

async fn keys(store: &impl LineageStore) -> BTreeSet<Box<str>> {
    let page = store.traces(&TraceFilter::default(), None, 1_000).await.unwrap();
    page.traces.into_iter().map(|trace| trace.key).collect()
}

/// Records of one moment may come in any order.
async fn texts(store: &impl LineageStore, trace: &str) -> BTreeSet<String> {
    let Some(trace) = store.trace(trace).await.unwrap() else { return BTreeSet::new() };
    let records = records(store, &trace, RecordChoice::default()).await;
    let count = records.len();
    let texts: BTreeSet<String> = records.iter().map(TelemetryRecord::to_json).collect();
    assert_eq!(texts.len(), count, "a record is given twice");
    texts
}

pub(super) async fn records(
    store: &impl LineageStore,
    trace: &Trace,
    choice: RecordChoice,
) -> Vec<TelemetryRecord> {
    store.records(trace.id, choice, None, ONE_PAGE).await.unwrap().records
}

/// The number of a node.
pub(super) async fn node_id(store: &impl LineageStore, trace: &Trace, name: &str) -> i64 {
    let found = store.nodes(name, Some(trace.id), None, 2).await.unwrap();
    let [(of, node)] = found.as_slice() else { panic!("{name}: {found:?}") };
    assert_eq!(*of, trace.id);
    node.id
}

/// What a walk from a node meets: keys with distances, and edges by keys.
pub(super) async fn walked(
    store: &impl LineageStore,
    node: i64,
    direction: Direction,
    limits: WalkLimits,
) -> (Vec<(String, usize)>, Vec<String>, bool) {
    let GraphPart { graph, distances, is_cut } = store.part(node, direction, limits).await.unwrap().unwrap();
    let key = |place: usize| graph.nodes[place].key().to_owned();
    let met = distances.iter().enumerate().map(|(place, distance)| (key(place), *distance)).collect();
    let edge = |edge: &crate::lineage::Edge| {
        format!("{} {} {} {:?}", key(edge.from), edge.kind.as_str(), key(edge.to), edge.operation())
    };
    (met, graph.edges.iter().map(edge).collect(), is_cut)
}
