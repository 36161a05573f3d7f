//! Records out of thin air.

use std::sync::Arc;

use crate::event::{Event, EventId, Offset, Origin, Record, Stream};
use crate::time::Timestamp;

/// An event at this offset, received at that second, with a body of so many blanks.
pub fn record(offset: u64, stream: &str, size: usize) -> Record {
    let stream = Stream::new(stream).unwrap();
    let received_at = Timestamp::from_number(offset as f64).unwrap();
    let event = Event {
        id: EventId::named(&stream, "test", &offset.to_string()),
        occurred_at: received_at,
        client_id: None,
        user_id: None,
        body: vec![b' '; size].into(),
    };
    Record { offset: Offset(offset), stream, received_at, origin: Arc::new(Origin::default()), event }
}
