//! A store that outlives crashes, and a sink that reaches it over a bad line.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::anyhow;
use async_trait::async_trait;

use crate::delivery::Gate;
use crate::event::{EventId, Offset, Record};
use crate::sink::{Batch, Exception, Receipt, Refusal, Sink, SinkError, Verdict};
use crate::testkit::world::SeededRandom;

/// What the body of an event holds that the store will not have.
pub const POISON: &str = "poison";

#[derive(Clone, Default)]
pub struct Store(Arc<Mutex<Content>>);

#[derive(Default)]
struct Content {
    events: BTreeSet<EventId>,
    batches: BTreeMap<String, Vec<Offset>>,
    /// What batches were sent between: where they begin and end.
    bounds: BTreeMap<Offset, Offset>,
    cured: bool,
}

impl Store {
    pub fn ids(&self) -> BTreeSet<EventId> {
        self.0.lock().unwrap().events.clone()
    }

    /// From now on it takes what it did not take before.
    pub fn cure(&self) {
        self.0.lock().unwrap().cured = true;
    }

    fn refuses(&self, record: &Record) -> bool {
        let poisoned = String::from_utf8_lossy(&record.event.body).contains(POISON);
        poisoned && !self.0.lock().unwrap().cured
    }

    /// Whether it was new.
    fn put(&self, record: &Record) -> bool {
        self.0.lock().unwrap().events.insert(record.event.id)
    }

    /// Invariant 3: a batch's name stands for the same events for ever, and no event is sent between other bounds.
    fn note(&self, batch: &Batch) {
        let members: Vec<Offset> = batch.records.iter().map(|record| record.offset).collect();
        let mut content = self.0.lock().unwrap();
        let known = content.batches.entry(batch.id.to_string()).or_insert_with(|| members.clone());
        assert_eq!(*known, members, "batch {} changed", batch.id);
        let (first, end) = (batch.id.first, batch.id.end);
        if batch.id.part.contains('@') {
            return;
        }
        let mut earlier =
            content.bounds.range(..end).filter(|(f, e)| **e > first && (**f, **e) != (first, end));
        assert_eq!(earlier.next(), None, "batch {} was sent between other bounds before", batch.id);
        content.bounds.insert(first, end);
    }
}

/// How the line to the store is. All in percent of deliveries.
#[derive(Clone, Copy, Default)]
pub struct Line {
    pub failing: u64,
    pub lying: u64,
    pub blocked: u64,
    /// Of the events of a delivery that goes through.
    pub item_again: u64,
    /// The store refuses a batch whole for one bad event, rather than that event alone.
    pub refuses_whole: bool,
    pub delay_max_ms: u64,
}

pub struct StoreSink {
    pub store: Store,
    pub line: Line,
    pub dice: Arc<SeededRandom>,
    pub gate: Gate,
}

impl StoreSink {
    async fn dawdle(&self) {
        if self.line.delay_max_ms > 0 {
            tokio::time::sleep(Duration::from_millis(self.dice.below(self.line.delay_max_ms))).await;
        }
    }

    fn verdict(&self, record: &Record) -> Option<Verdict> {
        if self.store.refuses(record) {
            return Some(Verdict::Refused(refusal()));
        }
        self.dice.chance(self.line.item_again).then(|| Verdict::Retry("busy".to_owned()))
    }

    fn take(&self, batch: &Batch) -> Receipt {
        let mut receipt = Receipt::default();
        for (index, record) in batch.records.iter().enumerate() {
            match self.verdict(record) {
                Some(verdict) => receipt.exceptions.push(Exception { index, verdict }),
                None => receipt.duplicates += u64::from(!self.store.put(record)),
            }
        }
        receipt
    }
}

fn refusal() -> Refusal {
    Refusal { reason: "poisoned".to_owned(), detail: "it has poison in it".to_owned() }
}

#[async_trait]
impl Sink for StoreSink {
    async fn check(&self) -> Result<(), SinkError> {
        Ok(())
    }

    async fn deliver(&self, batch: &Batch) -> Result<Receipt, SinkError> {
        assert!(
            !batch.records.is_empty() || !batch.unreadable.is_empty(),
            "an empty batch is nothing to deliver"
        );
        assert!(self.gate.is_open(), "nothing is sent to a paused sink");
        self.store.note(batch);
        self.dawdle().await;
        if self.dice.chance(self.line.failing) {
            let after = self.dice.chance(30).then(|| Duration::from_secs(self.dice.below(90)));
            return Err(SinkError::Retry { cause: anyhow!("away"), after });
        }
        if self.dice.chance(self.line.blocked) {
            return Err(SinkError::Blocked { cause: anyhow!("no rights") });
        }
        if self.line.refuses_whole && batch.records.iter().any(|record| self.store.refuses(record)) {
            return Err(SinkError::Refused(refusal()));
        }
        let receipt = self.take(batch);
        self.dawdle().await;
        if self.dice.chance(self.line.lying) {
            return Err(SinkError::retry(anyhow!("the answer was lost")));
        }
        Ok(receipt)
    }
}
