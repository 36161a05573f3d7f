//! A sink in memory that remembers what it was handed, and is strict about it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;

use crate::event::{EventId, Record};
use crate::sink::{Batch, Exception, Receipt, Refusal, Sink, SinkError, Verdict};

/// Stores events by id. Clones are handles on one store.
///
/// Panics where a batch comes again under its id with other members; [`MemorySink::violations`] tells it too, as a
/// panic in a task may go unheard.
#[derive(Clone)]
pub struct MemorySink {
    store: Arc<Mutex<Store>>,
    refuses: Predicate,
    whole: bool,
    /// Whether nothing ends.
    held: Arc<watch::Sender<bool>>,
}

type Predicate = Arc<dyn Fn(&Record) -> bool + Send + Sync>;

/// An event as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its bytes, as first delivered.
    pub body: Bytes,
    /// How often it was delivered.
    pub deliveries: u64,
}

#[derive(Default)]
struct Store {
    events: BTreeMap<EventId, Stored>,
    batches: BTreeMap<String, Vec<EventId>>,
    violations: Vec<String>,
}

impl Default for MemorySink {
    fn default() -> Self {
        Self::new()
    }
}

impl MemorySink {
    /// An empty sink that takes everything.
    pub fn new() -> Self {
        Self {
            store: Arc::default(),
            refuses: Arc::new(|_| false),
            whole: false,
            held: Arc::new(watch::Sender::new(false)),
        }
    }

    /// An empty sink that refuses each event the predicate holds for, and takes those beside it.
    pub fn refusing(predicate: impl Fn(&Record) -> bool + Send + Sync + 'static) -> Self {
        Self { refuses: Arc::new(predicate), ..Self::new() }
    }

    /// An empty sink that refuses a batch whole if the predicate holds for one of its events.
    pub fn refusing_whole(predicate: impl Fn(&Record) -> bool + Send + Sync + 'static) -> Self {
        Self { whole: true, ..Self::refusing(predicate) }
    }

    /// From now on it takes batches and does not end with any of them, or does again.
    pub fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    /// Every stored event.
    pub fn stored(&self) -> BTreeMap<EventId, Stored> {
        self.lock().events.clone()
    }

    /// How many different events are stored.
    pub fn count(&self) -> usize {
        self.lock().events.len()
    }

    /// Every batch it was handed, by the text of its id, with its members.
    pub fn batches(&self) -> BTreeMap<String, Vec<EventId>> {
        self.lock().batches.clone()
    }

    /// What was found wrong with the batches.
    pub fn violations(&self) -> Vec<String> {
        self.lock().violations.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// Remembers the batch; what is wrong with it, if something is.
    fn witness(&mut self, batch: &Batch) -> Result<(), String> {
        let name = batch.id.to_string();
        let members: Vec<EventId> = batch.records.iter().map(|record| record.event.id).collect();
        let within = |record: &Record| (batch.id.first..batch.id.end).contains(&record.offset);
        let rising = !batch.id.part.is_empty() || batch.records.is_sorted_by(|a, b| a.offset < b.offset);
        let wrong = match self.batches.get(&name) {
            _ if members.is_empty() => Some("is empty"),
            _ if !rising => Some("is not in order of offset"),
            _ if !batch.records.iter().all(within) => Some("has members outside its bounds"),
            Some(before) if *before != members => Some("came again with other members"),
            _ => None,
        };
        match wrong {
            Some(wrong) => {
                let violation = format!("batch {name} {wrong}");
                self.violations.push(violation.clone());
                Err(violation)
            }
            None => {
                self.batches.insert(name, members);
                Ok(())
            }
        }
    }

    /// Stores an event; whether it was there.
    fn put(&mut self, record: &Record) -> bool {
        let new = Stored { body: record.event.body.clone(), deliveries: 0 };
        let stored = self.events.entry(record.event.id).or_insert(new);
        stored.deliveries += 1;
        stored.deliveries > 1
    }
}

fn refusal() -> Refusal {
    Refusal { reason: "not_wanted".to_owned(), detail: "the test's predicate holds".to_owned() }
}

#[async_trait]
impl Sink for MemorySink {
    async fn check(&self) -> Result<(), SinkError> {
        Ok(())
    }

    async fn deliver(&self, batch: &Batch) -> Result<Receipt, SinkError> {
        let witnessed = self.lock().witness(batch);
        if let Err(violation) = witnessed {
            panic!("{violation}");
        }
        // The sender is this sink's own.
        let _ = self.held.subscribe().wait_for(|held| !held).await;
        let mut store = self.lock();
        if self.whole && batch.records.iter().any(|record| (self.refuses)(record)) {
            return Err(SinkError::Refused(refusal()));
        }
        let mut receipt = Receipt::default();
        for (index, record) in batch.records.iter().enumerate() {
            if (self.refuses)(record) {
                let verdict = Verdict::Refused(refusal());
                receipt.exceptions.push(Exception { index, verdict });
            } else if store.put(record) {
                receipt.duplicates += 1;
            }
        }
        Ok(receipt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Offset;
    use crate::testkit::record;
    use crate::testkit::sink::batch;

    fn of(offsets: std::ops::Range<u64>) -> Batch {
        batch("p", offsets.map(|offset| record(offset, "events", 1)).collect())
    }

    #[tokio::test]
    async fn an_event_is_stored_once_however_often_it_comes() {
        let sink = MemorySink::new();
        assert_eq!(sink.deliver(&of(0..3)).await.unwrap().duplicates, 0);
        assert_eq!(sink.deliver(&of(0..3)).await.unwrap().duplicates, 3);
        assert_eq!(sink.deliver(&of(2..5)).await.unwrap().duplicates, 1);
        assert_eq!(sink.count(), 5);
        assert_eq!(sink.stored()[&record(2, "events", 1).event.id].deliveries, 3);
    }

    #[tokio::test]
    async fn what_the_predicate_holds_for_is_refused_alone_or_with_its_batch() {
        let bad = |record: &Record| record.offset == Offset(1);
        let sink = MemorySink::refusing(bad);
        let receipt = sink.deliver(&of(0..3)).await.unwrap();
        assert_eq!(receipt.exceptions.iter().map(|exception| exception.index).collect::<Vec<_>>(), [1]);
        assert_eq!(sink.count(), 2);
        let sink = MemorySink::refusing_whole(bad);
        assert!(matches!(sink.deliver(&of(0..3)).await, Err(SinkError::Refused(_))));
        assert_eq!(sink.count(), 0);
    }

    #[tokio::test]
    async fn a_batch_that_comes_again_with_other_members_is_a_violation() {
        let sink = MemorySink::new();
        sink.deliver(&of(0..3)).await.unwrap();
        let mut other = of(0..3);
        Arc::make_mut(&mut other.records).remove(1);
        let handle = sink.clone();
        assert!(tokio::spawn(async move { handle.deliver(&other).await }).await.is_err());
        assert_eq!(sink.violations(), ["batch contract/p/0-3 came again with other members"]);
        assert_eq!(sink.batches()["contract/p/0-3"].len(), 3);
    }
}
