//! The ClickHouse sink, from outside: against the real engine, and against a server that answers as told.

mod answers;
mod columns;
mod faults;
mod probe;
mod questions;
mod real;
mod server;
mod tables;

use weir_core::event::Record;
use weir_core::testkit::record;

const SUITE: &str = "ClickHouse sink against a real engine";

/// Clicks of the stream `events`, received in the seconds after 1970 that their offsets say.
fn events(offsets: std::ops::Range<u64>) -> Vec<Record> {
    offsets.map(|offset| event(offset, r#"{"page":"/","event":"click"}"#)).collect()
}

fn event(offset: u64, body: &str) -> Record {
    let mut record = record(offset, "events", 0);
    record.event.body = body.to_owned().into();
    record
}
