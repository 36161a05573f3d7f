//! The contract, and disks and locks that are in the way.

use std::sync::Arc;
use std::time::Duration;

use weir_core::lineage::{LineageError, LineageStore, RecordType};
use weir_core::row_id::RowIds;
use weir_core::testkit::lineage::{MemoryLineage, Shape, contract, differences, record};
use weir_core::testkit::world::TestClock;

use super::super::connection::Place;
use super::SqliteLineage;

fn row_ids() -> Arc<RowIds> {
    Arc::new(RowIds::new(Arc::new(TestClock::start()), 1))
}

#[tokio::test]
async fn keeps_the_contract() {
    let directory = tempfile::tempdir().unwrap();
    let next = std::cell::Cell::new(0);
    contract(async || {
        next.set(next.get() + 1);
        SqliteLineage::open(&directory.path().join(format!("{}.db", next.get())), row_ids()).unwrap()
    })
    .await;
}

#[tokio::test]
async fn a_full_disk_is_told_and_work_goes_on_when_there_is_room() {
    let directory = tempfile::tempdir().unwrap();
    let small = Place { pages_max: Some(40), ..Place::new(&directory.path().join("lineage.db")).unwrap() };
    let row_ids = row_ids();
    let lineage = SqliteLineage::open_at(small, row_ids.clone()).unwrap();
    let records = Shape::Lives(400).records("lives");
    let mut joined = 0;
    let error = loop {
        match lineage.join(records[joined..joined + 50].to_vec()).await {
            Ok(_) => joined += 50,
            Err(error) => break error,
        }
    };
    assert!(joined > 0);
    assert!(matches!(error, LineageError::Retry(_)), "{error:?}");
    assert!(error.to_string().contains("disk"), "{error}");
    assert_eq!(lineage.trace("lives").await.unwrap().unwrap().records, joined as u64);
    lineage.close().await;

    let lineage = SqliteLineage::open(&directory.path().join("lineage.db"), row_ids).unwrap();
    lineage.join(records[joined..].to_vec()).await.unwrap();
    let memory = MemoryLineage::new();
    memory.join(records).await.unwrap();
    assert_eq!(differences(&lineage, &memory, &["lives".into()].into()).await, None);
}

#[tokio::test]
async fn a_lock_held_by_another_is_waited_for_and_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("lineage.db");
    let hurried = Place { busy_timeout: Duration::from_millis(1), ..Place::new(&path).unwrap() };
    let lineage = SqliteLineage::open_at(hurried, row_ids()).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let read = || vec![record(RecordType::FileRead, "t", "file:a", 0)];
    let answer = lineage.join(read()).await;
    assert!(matches!(answer, Err(LineageError::Retry(_))), "{answer:?}");
    assert_eq!(lineage.trace("t").await.unwrap(), None, "reading waits for nobody");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(lineage.join(read()).await.unwrap(), 0);
}

#[tokio::test]
async fn numbers_go_on_after_those_that_are_stored_though_the_clock_went_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("lineage.db");
    let ahead = row_ids();
    ahead.go_on_after(ahead.next() + (3_600_000 << 22));
    let before = SqliteLineage::open(&path, ahead).unwrap();
    before.join(Shape::Lives(40).records("lives")).await.unwrap();
    let trace = before.trace("lives").await.unwrap().unwrap();
    let nodes = before.graph(trace.id, 1_000).await.unwrap().graph.nodes;
    let greatest = nodes.iter().map(|node| node.id).max().unwrap().max(trace.id);
    before.close().await;

    let after = SqliteLineage::open(&path, row_ids()).unwrap();
    after.join(Shape::Chain(2).records("later")).await.unwrap();
    assert!(after.trace("later").await.unwrap().unwrap().id > greatest);
}

/// Older versions wrote down where the first of all new names of a batch has its numbers, and no more.
#[tokio::test]
async fn nodes_are_found_by_number_where_numbers_jumped_and_nobody_wrote_it_down() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("lineage.db");
    let lineage = SqliteLineage::open(&path, row_ids()).unwrap();
    lineage.join(Shape::Lives(2_000).records("lives")).await.unwrap();
    let trace = lineage.trace("lives").await.unwrap().unwrap();
    let nodes = lineage.graph(trace.id, 100_000).await.unwrap().graph.nodes;
    let first_and_last = [nodes.iter().min_by_key(|node| node.id), nodes.iter().max_by_key(|node| node.id)];
    for is_old in [false, true] {
        if is_old {
            let other = rusqlite::Connection::open(&path).unwrap();
            let all_but_the_first =
                "DELETE FROM name_numbers WHERE first_id > (SELECT min(first_id) FROM name_numbers)";
            assert!(other.execute(all_but_the_first, []).unwrap() > 0, "numbers did not jump");
        }
        for node in first_and_last.into_iter().flatten() {
            let found = lineage.nodes(&node.id.to_string(), None, None, 2).await.unwrap();
            assert_eq!(found, [(trace.id, node.clone())]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_sees_whole_moments_while_it_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let lineage = Arc::new(SqliteLineage::open(&directory.path().join("lineage.db"), row_ids()).unwrap());
    let writing = {
        let lineage = lineage.clone();
        tokio::spawn(async move {
            for life in Shape::Lives(60).records("lives").chunks(6) {
                lineage.join(life.to_vec()).await.unwrap();
            }
        })
    };
    while !writing.is_finished() {
        let Some(trace) = lineage.trace("lives").await.unwrap() else { continue };
        let whole = lineage.graph(trace.id, 10_000).await.unwrap();
        assert_eq!(whole.graph.nodes.len(), whole.nodes_total);
        assert_eq!(whole.graph.figures().nodes, whole.nodes_total as i64);
        assert!(whole.graph.edges.iter().all(|edge| edge.from.max(edge.to) < whole.graph.nodes.len()));
    }
    writing.await.unwrap();
}
