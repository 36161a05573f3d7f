//! Once, whatever is killed in between.

use std::time::Duration;

use weir_core::sink::{Receipt, Sink, SinkError};
use weir_core::testkit::sink::batch;

use crate::kafka::server::Server;
use crate::kafka::{events, start};

const SUITE: &str = "Kafka sink, exactly once";

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_there_once() {
    let Some(server) = Server::start(SUITE) else { return };
    a_batch_that_was_under_way_when_its_sink_went_is_there_once(&server).await;
    what_is_done_is_known_to_whoever_comes_after(&server).await;
    one_of_two_under_one_name_is_shut_out_and_says_so(&server).await;
    a_carrier_that_is_deleted_takes_its_batches_with_it(&server).await;
}

async fn a_batch_that_was_under_way_when_its_sink_went_is_there_once(server: &Server) {
    server.make("killed", 3, &[]).await;
    let settings = server.settings("killed");
    let mut sink = start(&settings);
    sink.deliver(&batch("p", events(0..1))).await.unwrap();
    for (round, first) in (1..).step_by(2_000).take(25).enumerate() {
        let batch = batch("p", events(first..first + 2_000));
        // From before the first message leaves to after the commit.
        let patience = Duration::from_millis(4 * round as u64);
        let was_in_time = tokio::time::timeout(patience, sink.deliver(&batch)).await.is_ok();
        drop(sink);
        sink = start(&settings);
        let receipt = sink.deliver(&batch).await.unwrap();
        assert!(!was_in_time || receipt.duplicates == 2_000, "{receipt:?}");
    }
    assert_eq!(server.pages("killed"), (0..50_001).collect::<Vec<_>>());
}

async fn what_is_done_is_known_to_whoever_comes_after(server: &Server) {
    server.make("known", 3, &[]).await;
    let settings = server.settings("known");
    let batches: Vec<_> = (0..10).map(|at| batch("p", events(at * 10..at * 10 + 10))).collect();
    let sink = start(&settings);
    for batch in &batches {
        assert_eq!(sink.deliver(batch).await.unwrap(), Receipt::default());
    }
    let another = start(&settings);
    for batch in &batches {
        assert_eq!(another.deliver(batch).await.unwrap().duplicates, 10);
    }
    // Half of one that is known is another batch, and so is what another log has at the same places.
    let mut half = batch("p", events(0..5));
    half.id = batches[0].id.clone();
    half.id.part = ".0".to_owned();
    assert_eq!(another.deliver(&half).await.unwrap(), Receipt::default());
    assert_eq!(another.deliver(&batch("q", events(0..10))).await.unwrap(), Receipt::default());
    assert_eq!(server.read("known").len(), 115);
}

async fn one_of_two_under_one_name_is_shut_out_and_says_so(server: &Server) {
    server.make("zombie", 1, &[]).await;
    let settings = server.settings("zombie");
    let (older, newer) = (start(&settings), start(&settings));
    older.deliver(&batch("p", events(0..5))).await.unwrap();
    newer.deliver(&batch("p", events(5..10))).await.unwrap();
    let Err(SinkError::Retry { cause, .. }) = older.deliver(&batch("p", events(5..10))).await else {
        panic!("its turn is over")
    };
    assert!(
        cause.to_string().contains("another producer") && cause.to_string().contains("instance id"),
        "{cause}"
    );
    // It begins anew, and learns what the other one did.
    assert_eq!(older.deliver(&batch("p", events(5..10))).await.unwrap().duplicates, 5);
    assert_eq!(server.pages("zombie"), (0..10).collect::<Vec<_>>());
}

async fn a_carrier_that_is_deleted_takes_its_batches_with_it(server: &Server) {
    server.make("gone", 1, &[]).await;
    let settings = server.settings("gone");
    start(&settings).deliver(&batch("p", events(0..5))).await.unwrap();
    server.delete("gone").await;
    server.make("gone", 1, &[]).await;
    assert_eq!(start(&settings).deliver(&batch("p", events(0..5))).await.unwrap(), Receipt::default());
    assert_eq!(server.pages("gone"), (0..5).collect::<Vec<_>>());
}
