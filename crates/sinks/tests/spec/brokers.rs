//! What the specs of brokers share.

use weir_core::event::Record;
use weir_core::sink::SinkError;
use weir_core::testkit::record;

/// Events of the stream `events`.
pub fn events(offsets: impl IntoIterator<Item = u64>) -> Vec<Record> {
    let event = |offset| {
        let mut record = record(offset, "events", 0);
        record.event.body = format!(r#"{{"page":"/{offset}","event":"click"}}"#).into();
        record
    };
    offsets.into_iter().map(event).collect()
}

/// What a person is told to mend.
#[track_caller]
pub fn blocked<T: std::fmt::Debug>(result: Result<T, SinkError>) -> String {
    let Err(SinkError::Blocked { cause }) = result else { panic!("{result:?}") };
    format!("{cause:#}")
}
