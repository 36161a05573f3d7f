//! The OpenSearch sink, from outside: against a real server, and against one that answers as told.

mod answers;
mod columns;
pub mod double;
mod probe;
mod real;
mod requests;
mod server;
mod templates;
mod trust;

use weir_core::event::Record;
use weir_core::testkit::record;

/// Events of the stream `events`, of the month that follows the first offset in seconds since 1970.
fn events(offsets: std::ops::Range<u64>) -> Vec<Record> {
    let event = |offset| {
        let mut record = record(offset, "events", 0);
        record.event.body = format!(r#"{{"page":"/{offset}","event":"click"}}"#).into();
        record
    };
    offsets.map(event).collect()
}
