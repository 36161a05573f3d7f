//! Walking: what lies up- and downstream of a node, beside it, and how much of a trace is given at once.

use std::collections::BTreeMap;

use super::comparing::{ALL_NODES, EVERYTHING, node_id, walked};
use super::joining::SHAPES;
use crate::lineage::{Direction, LineageStore, WalkLimits};
use crate::testkit::lineage::{MemoryLineage, Shape, random_records};
use crate::testkit::world::SeededRandom;

const DIRECTIONS: [Direction; 3] = [Direction::Upstream, Direction::Downstream, Direction::Around];

pub(super) async fn all<S: LineageStore, F: AsyncFn() -> S>(open: &F) {
    walks_meet_what_they_meet_in_memory(&open().await).await;
    walks_by_the_dice_meet_what_they_meet_in_memory(open).await;
    a_walk_ends_where_it_was_told_to(&open().await).await;
    a_circle_is_walked_once(&open().await).await;
    a_graph_has_as_many_nodes_as_were_asked_for(&open().await).await;
    from_nowhere_there_is_no_walk(&open().await).await;
}

async fn walks_meet_what_they_meet_in_memory(store: &impl LineageStore) {
    let memory = MemoryLineage::new();
    let starts =
        ["file:source", "file:7", "data:500", "data:50", "data:25", "file:in-150.csv", "file:out-7.csv"];
    for (place, shape) in SHAPES.into_iter().enumerate() {
        let records = shape.records(&format!("trace-{place}"));
        memory.join(records.clone()).await.unwrap();
        store.join(records).await.unwrap();
    }
    for start in starts {
        compare(store, &memory, start).await;
    }
}

async fn walks_by_the_dice_meet_what_they_meet_in_memory<S: LineageStore, F: AsyncFn() -> S>(open: &F) {
    for seed in 100..106 {
        let (dice, memory, store) = (SeededRandom::new(seed), MemoryLineage::new(), open().await);
        let records = random_records(&dice, 80);
        memory.join(records.clone()).await.unwrap();
        store.join(records).await.unwrap();
        for start in ["file:a", "d", "f", "db:sales.orders"] {
            compare(&store, &memory, start).await;
        }
    }
}

async fn compare(store: &impl LineageStore, memory: &MemoryLineage, start: &str) {
    let (here, there) = (by_trace(store, start).await, by_trace(memory, start).await);
    assert!(here.keys().eq(there.keys()), "{start}");
    for (trace, here) in here {
        for direction in DIRECTIONS {
            for depth_max in [0, 1, 3, usize::MAX] {
                let limits = WalkLimits { depth_max, ..EVERYTHING };
                let found = walked(store, here, direction, limits).await;
                let expected = walked(memory, there[&trace], direction, limits).await;
                assert_eq!(found, expected, "{direction:?} of {start}, {depth_max} deep");
            }
        }
    }
}

/// The numbers of the nodes of this name, by their traces' keys.
async fn by_trace(store: &impl LineageStore, name: &str) -> BTreeMap<Box<str>, i64> {
    let mut found = BTreeMap::new();
    for (trace, node) in store.nodes(name, None, None, 10).await.unwrap() {
        found.insert(store.trace(&trace.to_string()).await.unwrap().unwrap().key, node.id);
    }
    found
}

async fn a_walk_ends_where_it_was_told_to(store: &impl LineageStore) {
    store.join(Shape::FanOut(300).records("fan")).await.unwrap();
    let trace = store.trace("fan").await.unwrap().unwrap();
    let source = node_id(store, &trace, "file:source").await;
    for (nodes_max, is_cut) in [(1, true), (2, true), (300, true), (301, false), (302, false)] {
        let limits = WalkLimits { nodes_max, ..EVERYTHING };
        let (met, edges, cut) = walked(store, source, Direction::Downstream, limits).await;
        assert_eq!((met.len(), cut), (nodes_max.min(301), is_cut), "{nodes_max}");
        assert_eq!(edges.len(), met.len() - 1);
    }
}

async fn a_circle_is_walked_once(store: &impl LineageStore) {
    store.join(Shape::Circle(5).records("circle")).await.unwrap();
    let trace = store.trace("circle").await.unwrap().unwrap();
    let start = node_id(store, &trace, "data:3").await;
    for direction in [Direction::Upstream, Direction::Downstream] {
        let (met, edges, is_cut) = walked(store, start, direction, EVERYTHING).await;
        assert_eq!((met.len(), edges.len(), is_cut), (5, 5, false));
        assert_eq!(met.iter().map(|(_, distance)| distance).sum::<usize>(), 1 + 2 + 3 + 4);
    }
}

async fn a_graph_has_as_many_nodes_as_were_asked_for(store: &impl LineageStore) {
    store.join(Shape::Lives(50).records("lives")).await.unwrap();
    let trace = store.trace("lives").await.unwrap().unwrap();
    let whole = store.graph(trace.id, ALL_NODES).await.unwrap();
    assert_eq!((whole.graph.nodes.len(), whole.nodes_total), (186, 186));
    for nodes_max in [0, 1, 100, 186] {
        let part = store.graph(trace.id, nodes_max).await.unwrap();
        assert_eq!((part.graph.nodes.len(), part.nodes_total), (nodes_max, 186));
        assert!(part.graph.edges.iter().all(|edge| edge.from < nodes_max && edge.to < nodes_max));
    }
}

async fn from_nowhere_there_is_no_walk(store: &impl LineageStore) {
    store.join(Shape::Chain(3).records("chain")).await.unwrap();
    let trace = store.trace("chain").await.unwrap().unwrap();
    for nobody in [0, 1, -1, i64::MAX, trace.id] {
        assert!(store.part(nobody, Direction::Around, EVERYTHING).await.unwrap().is_none());
    }
    assert!(store.graph(1, ALL_NODES).await.unwrap().graph.nodes.is_empty());
}
