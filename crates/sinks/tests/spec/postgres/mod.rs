//! The Postgres sink, from outside, against a real server.

mod columns;
mod contract;
mod probe;
mod proxy;
mod repeats;
mod schema;
mod server;
mod trouble;
mod trust;

use std::sync::Arc;
use std::time::Duration;

use weir_core::event::{EventId, Record};
use weir_core::sink::SinkError;
use weir_core::testkit::record;
use weir_core::testkit::world::TestClock;
use weir_core::time::Timestamp;
use weir_sinks::postgres::{PostgresSettings, PostgresSink};

use server::Server;

const SUITE: &str = "Postgres sink against a real server";

/// A table of this test's own.
fn settings(server: &Server, table: &str) -> PostgresSettings {
    PostgresSettings {
        table: table.to_owned(),
        statement_timeout: Duration::from_secs(10),
        ..PostgresSettings::new(server.url())
    }
}

fn start(settings: &PostgresSettings) -> PostgresSink {
    PostgresSink::start(settings, Arc::new(TestClock::start())).unwrap()
}

/// Events that clients named, received one a second from this moment on.
fn events(offsets: std::ops::Range<u64>, received_at: &str) -> Vec<Record> {
    let begin = Timestamp::parse(received_at).unwrap();
    let event = |offset: u64| {
        let mut record = record(offset, "events", 0);
        record.event.body = format!(r#"{{"page":"/{offset}","event":"click","label":"l{offset}"}}"#).into();
        record.received_at = begin.after(Duration::from_secs(offset));
        record
    };
    offsets.map(event).collect()
}

/// The same, with ids that Weir gave.
fn unnamed(offsets: std::ops::Range<u64>, received_at: &str) -> Vec<Record> {
    let mut records = events(offsets, received_at);
    for record in &mut records {
        record.event.id = EventId(
            uuid::Builder::from_unix_timestamp_millis(record.offset.0, &[7; 10]).into_uuid().into_bytes(),
        );
    }
    records
}

#[track_caller]
fn assert_blocked<T: std::fmt::Debug>(result: Result<T, SinkError>, words: &[&str]) -> String {
    let Err(SinkError::Blocked { cause }) = result else { panic!("{result:?}") };
    let text = format!("{cause:#}");
    for word in words {
        assert!(text.contains(word), "{word}: {text}");
    }
    text
}

#[track_caller]
fn assert_retry<T: std::fmt::Debug>(result: Result<T, SinkError>) -> String {
    let Err(SinkError::Retry { cause, .. }) = result else { panic!("{result:?}") };
    format!("{cause:#}")
}
