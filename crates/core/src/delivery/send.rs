//! Hands one batch to its sink until each of its events is either stored or refused for good.
//!
//! A failed attempt is repeated with the same batch; a batch refused whole is divided until the guilty stand alone.

use std::sync::Arc;

use crate::catalog::AccountKey;
use crate::event::Record;
use crate::ledger::{Failure, Ledger, State};
use crate::observe::Observer;
use crate::sink::{Batch, Receipt, Refusal, Sink, SinkError, Verdict};
use crate::world::Clock;

use super::gate::Gate;
use super::retry::Backoff;

/// What sending needs to know of its sink.
pub(super) struct Sender {
    pub key: AccountKey,
    pub sink: Arc<dyn Sink>,
    pub gate: Gate,
    pub backoff: Backoff,
    pub ledger: Arc<Ledger>,
    pub clock: Arc<dyn Clock>,
    pub observer: Arc<dyn Observer>,
}

/// What became of a batch, all of it.
#[derive(Default)]
pub(super) struct Delivered {
    pub stored: u64,
    pub duplicates: u64,
    pub refused: Vec<Refused>,
    /// Where the stored ones are.
    pub places: Vec<String>,
    /// How often something was handed to the sink.
    pub attempts: u32,
}

/// An event that the sink will not have.
pub(super) struct Refused {
    pub record: Record,
    pub refusal: Refusal,
    pub attempts: u32,
}

impl Sender {
    /// Returns when every event of the batch is decided, however long that takes.
    pub async fn send(&self, batch: Batch) -> Delivered {
        let mut delivered = Delivered::default();
        let mut parts = vec![(batch, 1)];
        while let Some((part, attempt)) = parts.pop() {
            self.gate.passed().await;
            let started = self.clock.now();
            let answer = self.sink.deliver(&part).await;
            delivered.attempts += 1;
            match answer {
                Ok(receipt) => {
                    self.observer.answered(
                        &self.key.sink,
                        part.records.len(),
                        self.clock.now().since(started),
                    );
                    if let Some((rest, reason)) = delivered.take_in(part, receipt, attempt) {
                        self.pause(State::Retrying, reason, None).await;
                        parts.push((rest, attempt + 1));
                    } else {
                        self.went_well();
                    }
                }
                Err(SinkError::Refused(refusal)) => match divide(part) {
                    Ok([first, second]) => parts.extend([(second, attempt), (first, attempt)]),
                    Err(single) => {
                        delivered.refused.extend(single.records.iter().map(|record| Refused {
                            record: record.clone(),
                            refusal: refusal.clone(),
                            attempts: attempt,
                        }));
                    }
                },
                Err(SinkError::Retry { cause, after }) => {
                    self.pause(State::Retrying, format!("{cause:#}"), after).await;
                    parts.push((part, attempt + 1));
                }
                Err(SinkError::Blocked { cause }) => {
                    self.pause(State::Blocked, format!("{cause:#}"), None).await;
                    parts.push((part, attempt + 1));
                }
            }
        }
        delivered
    }

    fn went_well(&self) {
        if self.backoff.succeeded() {
            tracing::info!(sink = %self.key.sink, "delivery goes on");
            self.ledger.condition(&self.key, |condition| {
                condition.state = State::Running;
                condition.next_try_at = None;
            });
        }
    }

    async fn pause(&self, state: State, text: String, asked: Option<std::time::Duration>) {
        let (delay, next_try_at) = self.backoff.failed(asked);
        self.observer.attempt_failed(&self.key.sink);
        tracing::warn!(sink = %self.key.sink, error = %text, retry_at = %next_try_at, "delivery failed; it is repeated");
        let failure = Failure { text, at: self.clock.now() };
        self.ledger.condition(&self.key, |condition| {
            condition.state = state;
            condition.last_error = Some(failure);
            condition.next_try_at = Some(next_try_at);
        });
        self.backoff.wait(delay).await;
    }
}

impl Delivered {
    /// Counts what the sink answered; what it wants to have again later is given back, with its own words.
    fn take_in(&mut self, batch: Batch, receipt: Receipt, attempts: u32) -> Option<(Batch, String)> {
        self.stored += (batch.records.len() - receipt.exceptions.len()) as u64;
        self.duplicates += receipt.duplicates;
        self.places.extend(receipt.places);
        if receipt.exceptions.is_empty() {
            return None;
        }
        let mut again = Vec::new();
        let mut reason = String::new();
        let mut exceptions = receipt.exceptions.into_iter().peekable();
        for (index, record) in batch.records.iter().enumerate() {
            match exceptions.next_if(|exception| exception.index == index).map(|exception| exception.verdict)
            {
                None => {}
                Some(Verdict::Refused(refusal)) => {
                    self.refused.push(Refused { record: record.clone(), refusal, attempts });
                }
                Some(Verdict::Retry(words)) => {
                    again.push(record.clone());
                    reason = words;
                }
            }
        }
        let mut id = batch.id;
        id.part = format!("{}~{:016x}", id.part.split('~').next().unwrap_or_default(), fingerprint(&again));
        (!again.is_empty())
            .then_some((Batch { id, records: Arc::new(again), unreadable: Arc::default() }, reason))
    }
}

/// The two halves, or the batch itself where there is but one in it.
fn divide(batch: Batch) -> Result<[Batch; 2], Batch> {
    let Batch { id, records, unreadable } = &batch;
    if records.len() < 2 && unreadable.len() < 2 {
        return Err(batch);
    }
    let (first, second) = records.split_at(records.len() / 2);
    let (one, other) = unreadable.split_at(unreadable.len() / 2);
    Ok([(first, one, ".0"), (second, other, ".1")].map(|(records, unreadable, mark)| {
        let mut id = id.clone();
        id.part.push_str(mark);
        Batch { id, records: Arc::new(records.to_vec()), unreadable: Arc::new(unreadable.to_vec()) }
    }))
}

/// Tells sets of records apart (FNV-1a over their offsets), so that a part's name stands for its members.
fn fingerprint(records: &[Record]) -> u64 {
    let offsets = records.iter().flat_map(|record| record.offset.0.to_le_bytes());
    offsets.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
