//! Reads every message of a topic.

use async_trait::async_trait;
use weir_core::event::{EventId, Offset};
use weir_core::pieces::Pieces;
use weir_core::testkit::sink::{Columns, Probe, Reach};
use weir_core::transit::{Arrival, Before};

use crate::kafka::server::{Seen, Server};
use crate::lines::row;

pub struct KafkaProbe<'a> {
    pub server: &'a Server,
    pub topic: &'a str,
}

#[async_trait]
impl Probe for KafkaProbe<'_> {
    async fn stored(&self) -> Vec<(EventId, Columns)> {
        let stored = |seen: &Seen| {
            let (id, columns) = row(seen.value());
            let record = arrived(seen);
            // Its headers tell the same as its members, and the way back is open.
            assert_eq!((record.event.id, record.stream.to_string()), (id, columns.stream.clone()));
            assert_eq!(record.event.occurred_at.to_string(), columns.occurred_at);
            assert_eq!(record.received_at.to_string(), columns.received_at);
            assert_eq!(record.user_id(), columns.user_id.as_deref());
            assert_eq!(record.event.client_id.as_deref(), columns.log_id.as_deref());
            (id, columns)
        };
        self.server.read(self.topic).iter().map(stored).collect()
    }

    fn reach(&self) -> Reach {
        Reach::Batch
    }
}

/// The event that a message of ours brings.
pub fn arrived(seen: &Seen) -> weir_core::event::Record {
    let headers = seen.headers().map(|(name, value)| (name, value.as_bytes()));
    let arrival = Arrival::read(headers, "", &mut Before::default()).unwrap().unwrap();
    arrival.record(Offset(0), seen.value().as_bytes(), &mut Pieces::default()).unwrap()
}
