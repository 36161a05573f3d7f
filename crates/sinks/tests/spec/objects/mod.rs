//! The objects sink, from outside: into a local folder and into a real MinIO, read back by listing and parsing.

mod folder;
mod paths;
pub mod probe;
mod real;
mod server;
mod trouble;

use weir_core::event::Record;
use weir_core::testkit::record;

/// Events of the stream `events`, at so many seconds after 1970.
fn events(offsets: impl IntoIterator<Item = u64>) -> Vec<Record> {
    let event = |offset| {
        let mut record = record(offset, "events", 0);
        record.event.body = format!(r#"{{"page":"/{offset}","event":"click"}}"#).into();
        record
    };
    offsets.into_iter().map(event).collect()
}
