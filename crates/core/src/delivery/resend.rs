//! Sends dead letters again that a person released: the same events, under the same ids, through the same sink.

use std::sync::Arc;

use tokio::sync::watch;

use crate::catalog::{DeadLetter, Resent};
use crate::event::{EventId, Offset, Record};
use crate::sink::{Batch, BatchId};

use super::send::{Delivered, Refused};
use super::{Delivery, DeliveryError};

/// How many are sent at once.
const RESEND_MAX_EVENTS: usize = 500;

impl Delivery {
    /// Sends what waits to be sent again, now and whenever it is told that there is more.
    pub(super) async fn resend_until(&self, mut stop: watch::Receiver<bool>) -> Result<(), DeliveryError> {
        loop {
            while self.resend_some().await? {}
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return Ok(()),
                () = self.resend_wanted.notified() => {}
            }
        }
    }

    /// Whether there was something to send.
    async fn resend_some(&self) -> Result<bool, DeliveryError> {
        let (key, catalog) = (&self.assignment.key, self.surroundings.catalog.as_ref());
        let letters = self.persist.until_done(|| catalog.resending(key, RESEND_MAX_EVENTS)).await?;
        let records: Vec<Record> = letters.iter().filter_map(|letter| letter.record.clone()).collect();
        let Some(batch) = self.batch_of(&letters, records) else {
            return Ok(false);
        };
        // One at a time where it matters which of them the sink had before.
        let delivered = self.sender.send(batch).await;
        let outcomes = self.outcomes(letters, delivered);
        self.persist.until_done(|| catalog.settle_resent(key, &outcomes)).await?;
        self.surroundings.ledger.resent(key, &outcomes);
        Ok(true)
    }

    /// Named after its letters, so that the same letters sent again make the same batch.
    fn batch_of(&self, letters: &[DeadLetter], records: Vec<Record>) -> Option<Batch> {
        let numbers: Vec<String> = letters.iter().map(|letter| letter.id.to_string()).collect();
        let key = &self.assignment.key;
        let digest = EventId::named(&letters.first()?.stream, &key.sink.0, &numbers.join(","));
        let id = BatchId {
            sink: key.sink.clone(),
            partition: key.partition.clone(),
            first: records.iter().map(|record| record.offset).min()?,
            end: records.iter().map(|record| record.offset).max().map(Offset::next)?,
            part: format!("@resend-{digest}"),
        };
        Some(Batch { id, records: Arc::new(records), unreadable: Arc::default() })
    }

    fn outcomes(&self, letters: Vec<DeadLetter>, delivered: Delivered) -> Vec<Resent> {
        let mut duplicates = delivered.duplicates;
        let refused = delivered.refused;
        let outcome = |letter: DeadLetter| {
            let again = refused.iter().find(|refused| Some(&refused.record) == letter.record.as_ref());
            match again {
                Some(again) => Resent::Refused(self.refused_again(letter, again)),
                None => {
                    let duplicate = duplicates > 0;
                    duplicates = duplicates.saturating_sub(1);
                    Resent::Delivered { id: letter.id, count: letter.count, duplicate }
                }
            }
        };
        letters.into_iter().map(outcome).collect()
    }

    fn refused_again(&self, letter: DeadLetter, again: &Refused) -> DeadLetter {
        DeadLetter {
            reason: again.refusal.reason.clone(),
            detail: again.refusal.detail.clone(),
            attempts: letter.attempts.saturating_add(again.attempts),
            last_at: self.surroundings.clock.now(),
            ..letter
        }
    }
}
