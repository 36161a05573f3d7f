//! What is added, and what goes.

use std::time::Duration;

use weir_core::sink::Sink;
use weir_core::testkit::sink::batch;
use weir_sinks::brokers::Format;
use weir_sinks::redis::RedisSettings;

use crate::brokers::events;
use crate::redis::server::Server;
use crate::redis::{SUITE, settings, start};

#[tokio::test(flavor = "multi_thread")]
async fn a_raw_entry_is_the_event_as_it_came() {
    let Some(server) = Server::start(SUITE, &[]) else { return };
    let sink = start(&RedisSettings { format: Format::Raw, ..settings(&server) });
    let mut records = events(0..1);
    records[0].event.body = r#"{"page" : "/é","event":"buy","n":1.50}"#.into();
    let id = records[0].event.id.to_string();
    sink.deliver(&batch("raw", records)).await.unwrap();
    assert_eq!(server.entries("events"), [["id", &id, "event", r#"{"page" : "/é","event":"buy","n":1.50}"#]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_kept_to_about_its_length() {
    let Some(server) = Server::start(SUITE, &["--set", "stream-node-max-entries 10"]) else { return };
    let sink = start(&RedisSettings { max_length: Some(50), ..settings(&server) });
    for first in (0..1_000).step_by(100) {
        sink.deliver(&batch("length", events(first..first + 100))).await.unwrap();
    }
    let kept = server.entries("events");
    assert!((50..60).contains(&kept.len()), "{}", kept.len());
    assert!(kept.last().unwrap()[3].contains("/999"));
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_go_when_they_are_old() {
    let Some(server) = Server::start(SUITE, &["--set", "stream-node-max-entries 1"]) else { return };
    let sink = start(&RedisSettings { max_age: Some(Duration::from_secs(3_600)), ..settings(&server) });
    server.ask(&["XADD", "events", "1000-0", "old", "1"]);
    sink.deliver(&batch("age", events(0..5))).await.unwrap();
    let kept = server.entries("events");
    assert!(kept.len() == 5 && kept.iter().all(|fields| fields[0] == "id"), "{kept:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_known_again_after_the_server_was_killed() {
    let Some(mut server) = Server::start(SUITE, &[]) else { return };
    let sink = start(&settings(&server));
    let first = batch("again", events(0..100));
    assert_eq!(sink.deliver(&first).await.unwrap().duplicates, 0);
    server.kill9();
    server.restart();
    // The old connection breaks at the first try.
    let _ = sink.check().await;
    assert_eq!(sink.deliver(&first).await.unwrap().duplicates, 100);
    assert_eq!(server.entries("events").len(), 100);
    assert_eq!(server.ask(&["ZCARD", "weir:batches:{events}"]), 1);
}
