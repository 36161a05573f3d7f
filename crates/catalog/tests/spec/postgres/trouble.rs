//! A server that is killed, that does not come up, or that does not let one in.

use std::sync::Arc;
use std::time::Duration;

use weir_core::lineage::{LineageError, LineageStore, TelemetryRecord};
use weir_core::testkit::lineage::{MemoryLineage, Shape, differences};

use super::server::Server;
use super::{start, until};

/// Joins as a delivery does: again, until it is told that it was done.
async fn join_at_last(lineage: &impl LineageStore, records: Vec<TelemetryRecord>) {
    loop {
        match lineage.join(records.clone()).await {
            Ok(_) => return,
            Err(LineageError::Retry(_)) => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_and_started_again_in_mid_load_it_has_the_graph_of_all_records() {
    let Some(mut server) = Server::start(None) else { return };
    let lineage = Arc::new(start(&server.database().await, 1));
    let records = Shape::Lives(600).records("lives");
    let writing = {
        let (lineage, records) = (lineage.clone(), records.clone());
        tokio::spawn(async move {
            for part in records.chunks(50) {
                join_at_last(lineage.as_ref(), part.to_vec()).await;
            }
        })
    };
    for share in [4, 2] {
        let is_there = async || {
            lineage
                .trace("lives")
                .await
                .ok()
                .flatten()
                .is_some_and(|trace| trace.records as usize > records.len() / share / 2)
        };
        until("a part of the records", is_there).await;
        server.service.kill9();
        assert!(matches!(lineage.trace("lives").await, Err(LineageError::Retry(_))));
        server.service.restart();
    }
    writing.await.unwrap();
    let memory = MemoryLineage::new();
    memory.join(records).await.unwrap();
    assert_eq!(differences(lineage.as_ref(), &memory, &["lives".into()].into()).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_comes_up_later_is_waited_for() {
    let Some(mut server) = Server::start(None) else { return };
    let url = server.database().await;
    server.service.kill9();
    let lineage = start(&url, 1);
    assert!(matches!(lineage.prepare().await, Err(LineageError::Retry(_))));
    assert!(matches!(lineage.join(Shape::Chain(3).records("t")).await, Err(LineageError::Retry(_))));
    server.service.restart();
    join_at_last(&lineage, Shape::Chain(3).records("t")).await;
    assert!(lineage.trace("t").await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_let_in_is_told_so_without_the_password_and_asks_again() {
    let Some(server) = Server::start(None) else { return };
    let url = server.database().await.replace("weir-password", "hunter2");
    let Err(LineageError::Retry(why)) = start(&url, 1).prepare().await else { panic!("it was let in") };
    let why = format!("{why:#}");
    assert!(why.contains("password") && !why.contains("hunter2"), "{why}");
}
