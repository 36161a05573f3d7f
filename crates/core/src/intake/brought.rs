//! Events that a broker had: they are named, timed and checked already.

use futures::future::try_join_all;

use super::Intake;
use crate::event::{Event, Record};
use crate::log::{Entry, LogError};

/// Bytes of bodies in one entry of the log, where it has more than one event.
const ENTRY_MAX_BYTES: usize = 4 << 20;

impl Intake {
    /// Takes them in under the ids that they have; returns when all are durable. After an error some of them may be.
    pub async fn take_in(&self, records: &[Record]) -> Result<(), LogError> {
        try_join_all(entries(records).map(|records| self.append(records))).await.map(drop)
    }

    async fn append(&self, records: &[Record]) -> Result<(), LogError> {
        let Some(Record { stream, received_at, origin, .. }) = records.first() else { return Ok(()) };
        let events: Vec<Event> = records.iter().map(|record| record.event.clone()).collect();
        let entry = Entry { stream, received_at: *received_at, origin, events: &events };
        self.log.append(entry).await.map(drop)
    }
}

/// Neighbours that have in common what an entry says once.
fn entries(records: &[Record]) -> impl Iterator<Item = &[Record]> {
    let mut bytes = 0;
    records.chunk_by(move |one, next| {
        bytes += one.event.body.len();
        let is_alike = one.stream == next.stream
            && one.received_at == next.received_at
            && one.origin == next.origin
            && bytes + next.event.body.len() <= ENTRY_MAX_BYTES;
        if !is_alike {
            bytes = 0;
        }
        is_alike
    })
}
