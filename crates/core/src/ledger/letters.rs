//! Keeps what an input could not read, where no delivery does so: of messages that come into the log of this instance.
//!
//! **Constraint.** What is kept is durable, counts in the input's account, and holds no log.

use std::sync::Arc;

use tokio::sync::Mutex;

use super::Ledger;
use crate::catalog::{AccountKey, Catalog, CatalogError, DeadLetter, Opening, Plan, Settlement};
use crate::event::Offset;
use crate::log::{Partition, Unreadable};
use crate::row_id::RowIds;
use crate::sink::SinkName;
use crate::time::Timestamp;
use crate::world::Clock;

/// The dead letters of one input.
pub struct InputLetters {
    key: AccountKey,
    ledger: Arc<Ledger>,
    catalog: Arc<dyn Catalog>,
    row_ids: Arc<RowIds>,
    clock: Arc<dyn Clock>,
    /// The place of the next letter; `None` until the account is open.
    next: Mutex<Option<Offset>>,
}

impl InputLetters {
    /// Those of this input in this instance.
    pub fn new(
        (kind, input, instance): (&str, &str, &str),
        ledger: Arc<Ledger>,
        catalog: Arc<dyn Catalog>,
        row_ids: Arc<RowIds>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let partition = Partition::of_topic(kind, input, instance, 0);
        let key = AccountKey::main(&SinkName::of_input(input), &partition);
        Self { key, ledger, catalog, row_ids, clock, next: Mutex::default() }
    }

    /// Keeps them all. After an error some may be kept, and are again with the next attempt.
    pub async fn keep(&self, unreadable: &[Unreadable]) -> Result<(), CatalogError> {
        if unreadable.is_empty() {
            return Ok(());
        }
        let mut next = self.next.lock().await;
        // An answer that was lost leaves unclear how far the account is: then it is asked anew.
        let first = match next.take() {
            Some(first) => first,
            None => self.open().await?,
        };
        let end = Offset(first.0 + unreadable.len() as u64);
        let at = self.clock.now();
        let written = |one: &Unreadable| letter(self.row_ids.next(), &self.key, one, at);
        let plan = Plan { key: self.key.clone(), first, end };
        self.catalog.plan(std::slice::from_ref(&plan)).await?;
        let settlement = settlement(plan, unreadable.iter().map(written).collect());
        self.catalog.settle(&settlement).await?;
        self.ledger.planned(&self.key, first, end, None);
        self.ledger.settled(&settlement);
        *next = Some(end);
        Ok(())
    }

    async fn open(&self) -> Result<Offset, CatalogError> {
        let account = self.catalog.open_account(&self.key, &Opening::default()).await?;
        for plan in self.catalog.unsettled(&self.key).await? {
            self.catalog.settle(&settlement(plan, Vec::new())).await?;
        }
        let planned = account.planned;
        self.ledger.open(self.catalog.as_ref(), account, true).await?;
        Ok(planned)
    }
}

/// The letter of a broker's message that holds no event.
pub(crate) fn letter(id: i64, key: &AccountKey, unreadable: &Unreadable, at: Timestamp) -> DeadLetter {
    let Unreadable { stream, record, refusal, source, .. } = unreadable.clone();
    DeadLetter {
        id,
        key: key.clone(),
        count: 1,
        stream,
        record,
        source: Some(source),
        reason: refusal.reason,
        detail: refusal.detail,
        attempts: 0,
        first_at: at,
        last_at: at,
    }
}

fn settlement(plan: Plan, dead: Vec<DeadLetter>) -> Settlement {
    Settlement { plan, delivered: 0, duplicates: 0, filtered: 0, dead }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::DeadLetterFilter;
    use crate::event::Stream;
    use crate::log::Source;
    use crate::sink::Refusal;
    use crate::testkit::catalog::MemoryCatalog;
    use crate::testkit::log::MemoryLog;
    use crate::testkit::world::TestClock;

    fn unreadable(topic: &str) -> Unreadable {
        Unreadable {
            offset: Offset(7),
            stream: Stream::new("events").unwrap(),
            record: None,
            refusal: Refusal { reason: "not_an_object".to_owned(), detail: "it is a number".to_owned() },
            source: Source { topic: topic.to_owned(), ..Source::default() },
        }
    }

    #[tokio::test]
    async fn what_is_kept_is_counted_and_counted_on_after_a_restart() {
        let (catalog, clock) = (Arc::new(MemoryCatalog::new()), Arc::new(TestClock::start()));
        let row_ids = Arc::new(RowIds::new(clock.clone(), 1));
        for life in 1..=2 {
            let ledger = Arc::new(Ledger::new(Arc::new(MemoryLog::new("here"))));
            let letters = InputLetters::new(
                ("redis", "queue", "here"),
                ledger.clone(),
                catalog.clone(),
                row_ids.clone(),
                clock.clone(),
            );
            letters.keep(&[]).await.unwrap();
            assert!(ledger.snapshot().inputs.is_empty(), "nobody needs an account yet");
            letters.keep(&[unreadable("a")]).await.unwrap();
            letters.keep(&[unreadable("b"), unreadable("c")]).await.unwrap();
            let standing = ledger.snapshot().inputs.remove(0);
            assert_eq!(
                (standing.dead, standing.pending, standing.sink.input()),
                (3 * life, 0, Some("queue"))
            );
            assert_eq!(ledger.settled_before(&Partition("here".into())), None);
        }
        let kept = catalog.dead_letters(&DeadLetterFilter::default(), None, 100).await.unwrap();
        assert_eq!(kept.len(), 6);
        assert_eq!(kept[0].source.as_ref().unwrap().topic, "c");
    }
}
