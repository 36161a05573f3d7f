//! Names: of traces and nodes, by number, by UUID and by key.

use super::comparing::{canonical_in, node_id};
use crate::lineage::{LineageStore, RecordType, TelemetryRecord};
use crate::row_id::to_uuid;
use crate::testkit::lineage::{Shape, record};

pub(super) async fn all<S: LineageStore, F: AsyncFn() -> S>(open: &F) {
    a_trace_is_found_by_number_uuid_and_key(&open().await).await;
    a_node_is_found_by_number_uuid_and_key(&open().await).await;
    one_key_in_two_traces_is_two_nodes(&open().await).await;
    a_key_in_many_traces_is_found_page_by_page(&open().await).await;
    two_names_of_one_node_are_found_as_one(&open().await).await;
    names_that_become_one_late_are_as_if_they_had_always_been(open).await;
    numbers_stay(&open().await).await;
}

async fn a_trace_is_found_by_number_uuid_and_key(store: &impl LineageStore) {
    store.join(Shape::Lives(3).records("order-77")).await.unwrap();
    store.join(Shape::Lives(3).records("77")).await.unwrap();
    let trace = store.trace("order-77").await.unwrap().unwrap();
    assert!(trace.id > 0);
    assert_eq!(store.trace(&trace.id.to_string()).await.unwrap().as_ref(), Some(&trace));
    assert_eq!(store.trace(&to_uuid(trace.id).to_string()).await.unwrap().as_ref(), Some(&trace));
    assert_eq!(&*store.trace("77").await.unwrap().unwrap().key, "77");
    for unknown in ["order-7", "order-777", "", "0", "7777777777777777777"] {
        assert_eq!(store.trace(unknown).await.unwrap(), None, "{unknown}");
    }
}

async fn a_node_is_found_by_number_uuid_and_key(store: &impl LineageStore) {
    store.join(Shape::Lives(200).records("nodes")).await.unwrap();
    let trace = store.trace("nodes").await.unwrap().unwrap();
    for key in ["file:in-0.csv", "data:198-1", "db:sales.orders", "data:150-2"] {
        let id = node_id(store, &trace, key).await;
        for name in [id.to_string(), to_uuid(id).to_string(), key.to_owned()] {
            let found = store.nodes(&name, None, None, 10).await.unwrap();
            assert_eq!(found.len(), 1, "{name}");
            assert_eq!((found[0].0, found[0].1.key(), found[0].1.id), (trace.id, key, id), "{name}");
        }
        assert!(store.nodes(&id.to_string(), Some(trace.id + 1), None, 10).await.unwrap().is_empty());
    }
    assert!(store.nodes(&trace.id.to_string(), None, None, 10).await.unwrap().is_empty(), "it is a trace");
    assert!(store.nodes("data:199-1", None, None, 10).await.unwrap().is_empty(), "its file was dropped");
}

async fn one_key_in_two_traces_is_two_nodes(store: &impl LineageStore) {
    store.join(vec![record(RecordType::FileReceive, "one", "file:a", 0)]).await.unwrap();
    let dropped = record(RecordType::Drop, "other", "file:a", 5);
    store.join(vec![TelemetryRecord { reason: Some("late".into()), ..dropped }]).await.unwrap();
    let found = store.nodes("file:a", None, None, 10).await.unwrap();
    let reasons: Vec<_> = found.iter().map(|(_, node)| node.reason()).collect();
    assert_eq!(reasons, [None, Some("late")]);
    assert_ne!(found[0].1.id, found[1].1.id);
}

async fn a_key_in_many_traces_is_found_page_by_page(store: &impl LineageStore) {
    for part in 0..5 {
        let traces = (0..20).map(|n| format!("trace-{part}-{n}"));
        store
            .join(traces.map(|trace| record(RecordType::FileRead, &trace, "file:all", 0)).collect())
            .await
            .unwrap();
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store.nodes("file:all", None, after, 7).await.unwrap();
        assert!(page.len() <= 7);
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        seen.extend(page.iter().map(|(trace, _)| *trace));
    }
    assert!(seen.is_sorted_by(|one, other| one < other));
    assert_eq!(seen.len(), 100);
}

fn alias(key: &str, other: &str, at: usize) -> TelemetryRecord {
    TelemetryRecord { alias: Some(other.into()), ..record(RecordType::Alias, "aliases", key, at) }
}

async fn two_names_of_one_node_are_found_as_one(store: &impl LineageStore) {
    let read = |key| record(RecordType::FileRead, "aliases", key, 1);
    store.join(vec![read("file:z"), alias("file:z", "file:a", 2), alias("file:a", "s3:b", 3)]).await.unwrap();
    let found = store.nodes("s3:b", None, None, 10).await.unwrap();
    assert_eq!(found[0].1.names, ["file:z".into(), "file:a".into(), "s3:b".into()]);
    let trace = store.trace("aliases").await.unwrap().unwrap();
    assert_eq!((trace.figures.files, trace.figures.nodes), (1, 1));
    assert_eq!(store.nodes("file:z", None, None, 10).await.unwrap(), found);
    assert_eq!(store.nodes(&found[0].1.id.to_string(), None, None, 10).await.unwrap(), found);
}

async fn names_that_become_one_late_are_as_if_they_had_always_been<S: LineageStore, F: AsyncFn() -> S>(
    open: &F,
) {
    let mut records = Shape::Lives(20).records("aliases");
    records.extend([
        alias("file:in-3.csv", "file:in-4.csv", 7),
        alias("data:1-1", "data:2-1", 8),
        alias("data:2-1", "data:5-2", 9),
        alias("file:in-9.csv", "data:1-1", 9),
        // One and its own parent: the edge between them leads back to where it began.
        alias("file:in-6.csv", "data:6-1", 9),
    ]);
    let (late, early) = (open().await, open().await);
    for record in records.clone() {
        late.join(vec![record]).await.unwrap();
    }
    for record in records.into_iter().rev() {
        early.join(vec![record]).await.unwrap();
    }
    assert_eq!(canonical_in(&late, "aliases").await, canonical_in(&early, "aliases").await);
    assert_eq!(late.trace("aliases").await.unwrap().unwrap().figures.files, 17);
}

async fn numbers_stay(store: &impl LineageStore) {
    store.join(vec![record(RecordType::FileRead, "stay", "file:a", 0)]).await.unwrap();
    let trace = store.trace("stay").await.unwrap().unwrap();
    let id = node_id(store, &trace, "file:a").await;
    store.join(Shape::Lives(100).records("stay")).await.unwrap();
    assert_eq!(store.trace("stay").await.unwrap().unwrap().id, trace.id);
    assert_eq!(node_id(store, &trace, "file:a").await, id);
}
