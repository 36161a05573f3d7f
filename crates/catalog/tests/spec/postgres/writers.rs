//! Several processes that write the same traces.

use std::sync::Arc;

use weir_core::lineage::{LineageStore, TelemetryRecord};
use weir_core::testkit::lineage::{MemoryLineage, Shape, differences, random_records};
use weir_core::testkit::world::SeededRandom;

use super::server::Server;
use super::{start, until};

/// Two instances join the parts by turns, at once; each part comes twice.
async fn join_by_two(url: &str, parts: Vec<Vec<TelemetryRecord>>) {
    let writing = [1, 2].map(|instance| {
        let lineage = start(url, instance);
        let parts = parts.clone();
        tokio::spawn(async move {
            let mine = parts.iter().enumerate().filter(|(place, _)| (place + usize::from(instance)) % 3 != 0);
            let joins = mine.map(|(_, part)| lineage.join(part.clone()));
            let joined = futures::future::join_all(joins).await;
            assert!(joined.iter().all(Result::is_ok), "{joined:?}");
        })
    });
    for writer in writing {
        writer.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_write_the_same_traces_at_once_make_the_same_graphs() {
    let Some(server) = Server::start(None) else { return };
    let url = server.database().await;
    let mut records = Shape::Lives(150).records("lives");
    records.extend(Shape::Diamonds(80).records("diamonds"));
    records.extend(random_records(&SeededRandom::new(7), 400));
    let keys = records.iter().map(|record| record.trace.clone()).collect();
    // Neighbours are far apart, so that each part concerns every trace.
    let parts = (0..40).map(|n| records.iter().skip(n).step_by(40).cloned().collect()).collect();
    join_by_two(&url, parts).await;

    let (lineage, memory) = (start(&url, 3), MemoryLineage::new());
    memory.join(records).await.unwrap();
    assert_eq!(differences(&lineage, &memory, &keys).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_sees_whole_moments_while_it_is_written() {
    let Some(server) = Server::start(None) else { return };
    let lineage = Arc::new(start(&server.database().await, 1));
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

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_found_in_all_its_traces_while_runs_of_keys_are_joined_beside_the_work() {
    let Some(server) = Server::start(None) else { return };
    let url = server.database().await;
    let lineage = start(&url, 1);
    for trace in 0..=300 {
        lineage.join(Shape::Chain(2).records(&format!("t-{trace}"))).await.unwrap();
    }
    let database = url.rsplit('/').next().unwrap().split('?').next().unwrap();
    let admin = server.admin(database).await;
    until("runs to be joined", async || {
        // A repeat, which makes no run and calls for what is beside the work.
        lineage.join(Shape::Chain(2).records("t-0")).await.unwrap();
        let query = "SELECT count(*) FROM weir_lineage.key_run_sizes";
        admin.query_one(query, &[]).await.unwrap().get::<_, i64>(0) < 60
    })
    .await;
    assert_eq!(lineage.nodes("file:first", None, None, 1_000).await.unwrap().len(), 301);
}
