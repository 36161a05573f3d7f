//! Folding: siblings of one kind, operation, outcome and reason are one, with their count.

use proptest::prelude::*;

use super::super::*;
use super::plain::lineage_of;
use crate::testkit::lineage::{Shape, random_records, record};
use crate::testkit::world::SeededRandom;

fn folded(records: &[TelemetryRecord], trace: &str) -> (Graph, Folded) {
    let graph = Graph::of(&lineage_of(records, trace));
    let links = Links::of(&graph);
    let circles = Circles::of(&graph, &links);
    let places = layout(&graph, &links, &circles);
    let folded = collapse(&graph, &links, &circles, &places);
    (graph, folded)
}

fn lines(folded: &Folded) -> Vec<String> {
    let counted = folded.graph.nodes.iter().zip(&folded.counts);
    counted.map(|(node, count)| format!("{} x{count} {}", node.key(), node.state().as_str())).collect()
}

#[test]
fn a_thousand_files_of_two_fates_are_two_lines() {
    let (_, folded) = folded(&Shape::Lives(1_000).records("t"), "t");
    // Both data of a file are alike, wherever they went; so they are one.
    let expected = [
        "data:0-1 x1800 became",
        "db:sales.orders x1 stored",
        "file:in-0.csv x900 became",
        "file:in-109.csv x100 dropped",
        "file:out-0.csv x900 open",
    ];
    assert_eq!(lines(&folded), expected);
    assert_eq!(folded.edge_counts.iter().sum::<usize>(), 1_800 + 900 + 900);
}

#[test]
fn another_reason_operation_or_outcome_is_another_line() {
    let dropped = |key: &str, reason: &str| TelemetryRecord {
        reason: Some(reason.into()),
        ..record(RecordType::Drop, "t", key, 0)
    };
    let derive = |operation: &str, child: &str| TelemetryRecord {
        key: None,
        parents: vec!["file:p".into()],
        children: vec![child.into()],
        attrs: [("operation".into(), Json::text(operation))].into(),
        ..record(RecordType::Derive, "t", "", 0)
    };
    let records = [
        dropped("file:a", "late"),
        dropped("file:b", "late"),
        dropped("file:c", "empty"),
        record(RecordType::FileRead, "t", "file:d", 0),
        record(RecordType::FileStore, "t", "file:e", 0),
        derive("parse", "1"),
        derive("parse", "2"),
        derive("copy", "3"),
    ];
    let (_, folded) = folded(&records, "t");
    let expected = [
        "1 x2 open",
        "3 x1 open",
        "file:a x2 dropped",
        "file:c x1 dropped",
        "file:d x1 open",
        "file:e x1 stored",
        "file:p x1 became",
    ];
    assert_eq!(lines(&folded), expected);
}

#[test]
fn what_lies_on_a_circle_is_not_folded() {
    let (graph, folded) = folded(&Shape::Circle(40).records("t"), "t");
    assert_eq!(folded.graph, graph);
}

proptest! {
    #[test]
    fn nothing_is_lost_by_folding(seed: u64, count in 1_usize..80) {
        let (graph, folded) = folded(&random_records(&SeededRandom::new(seed), count), "order-1");
        prop_assert_eq!(folded.counts.iter().sum::<usize>(), graph.nodes.len());
        prop_assert_eq!(folded.edge_counts.iter().sum::<usize>(), graph.edges.len());
        for state in NodeState::ALL.map(|(state, _)| state) {
            let drawn = folded.graph.nodes.iter().zip(&folded.counts);
            let drawn = drawn.filter(|(node, _)| node.state() == state).map(|(_, count)| count);
            let there = graph.nodes.iter().filter(|node| node.state() == state).count();
            prop_assert_eq!(drawn.sum::<usize>(), there);
        }
    }
}
