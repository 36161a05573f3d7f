//! Upstream, downstream, and beside.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::*;
use super::plain::lineage_of;
use crate::testkit::lineage::{Shape, random_records};
use crate::testkit::world::SeededRandom;

const EVERYTHING: WalkLimits = WalkLimits { depth_max: usize::MAX, nodes_max: usize::MAX };

fn graph_of(records: &[TelemetryRecord], trace: &str) -> Graph {
    Graph::of(&lineage_of(records, trace))
}

fn keys(graph: &Graph, start: &str, direction: Direction, limits: WalkLimits) -> BTreeSet<String> {
    let (start, links) = (graph.place_of(start).unwrap(), Links::of(graph));
    let Ok(walked) = walk(&mut InGraph { graph, links: &links }, start, direction, limits);
    assert!(walked.met.is_sorted_by_key(|(_, distance)| *distance));
    walked.met.into_iter().map(|(place, _)| graph.nodes[place].key().to_owned()).collect()
}

/// Everything that can be reached, by looking at all edges again and again.
fn reached(graph: &Graph, start: &str, direction: Direction) -> BTreeSet<String> {
    let mut reached = BTreeSet::from([start.to_owned()]);
    loop {
        let before = reached.len();
        for edge in &graph.edges {
            let (from, to) = (graph.nodes[edge.from].key(), graph.nodes[edge.to].key());
            if direction != Direction::Upstream && reached.contains(from) {
                reached.insert(to.to_owned());
            }
            if direction != Direction::Downstream && reached.contains(to) {
                reached.insert(from.to_owned());
            }
        }
        if reached.len() == before {
            return reached;
        }
    }
}

#[test]
fn a_leaf_leads_to_its_file_and_a_file_to_all_that_came_of_it() {
    let graph = graph_of(&Shape::Lives(2_500).records("t"), "t");
    assert_eq!(graph.nodes.len(), 2_500 + 2_250 * 3 + 1);
    let upstream = keys(&graph, "file:out-1200.csv", Direction::Upstream, EVERYTHING);
    assert_eq!(upstream, ["data:1200-2", "file:in-1200.csv", "file:out-1200.csv"].map(str::to_owned).into());
    let downstream = keys(&graph, "file:in-7.csv", Direction::Downstream, EVERYTHING);
    let expected = ["data:7-1", "data:7-2", "db:sales.orders", "file:in-7.csv", "file:out-7.csv"];
    assert_eq!(downstream, expected.map(str::to_owned).into());
    assert_eq!(keys(&graph, "db:sales.orders", Direction::Upstream, EVERYTHING).len(), 1 + 2 * 2_250);
    let near = WalkLimits { depth_max: 1, ..EVERYTHING };
    assert_eq!(keys(&graph, "data:7-1", Direction::Around, near).len(), 3);
}

#[test]
fn a_chain_of_a_thousand_is_walked_to_its_end() {
    let graph = graph_of(&Shape::Chain(1_000).records("t"), "t");
    assert_eq!(keys(&graph, "data:999", Direction::Upstream, EVERYTHING).len(), 1_001);
}

#[test]
fn where_the_others_went_is_told_by_fate() {
    let graph = graph_of(&Shape::Lives(20).records("t"), "t");
    let links = Links::of(&graph);
    let told = siblings(&graph, &links, graph.place_of("file:in-9.csv").unwrap());
    let [dropped, became] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((dropped.state, dropped.reason.as_deref()), (NodeState::Dropped, Some("header missing")));
    assert_eq!((dropped.count, dropped.keys.as_slice()), (1, ["file:in-19.csv".to_owned()].as_slice()));
    assert_eq!((became.state, became.count, became.keys.len()), (NodeState::Became, 18, 5));
    let [into] = became.into.as_slice() else { panic!("{became:?}") };
    assert_eq!((into.operation.as_deref(), into.kind, into.count), (Some("parse"), NodeKind::Data, 36));

    let told = siblings(&graph, &links, graph.place_of("data:3-1").unwrap());
    let [beside] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(beside.keys, ["data:3-2"]);
    assert_eq!(beside.into[0].keys, ["file:out-3.csv"]);
}

proptest! {
    #[test]
    fn a_walk_meets_all_that_can_be_reached(seed: u64, count in 1_usize..60) {
        let graph = graph_of(&random_records(&SeededRandom::new(seed), count), "order-1");
        for node in &graph.nodes {
            for direction in [Direction::Upstream, Direction::Downstream, Direction::Around] {
                let met = keys(&graph, node.key(), direction, EVERYTHING);
                prop_assert_eq!(met, reached(&graph, node.key(), direction));
            }
        }
    }
}
