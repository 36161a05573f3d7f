//! What an account has to account for, worked out when a sink is new or its streams have changed.
//!
//! **Constraint.** Neither intake nor the account's delivery runs meanwhile, so what the log says, what the catalog
//! says and what is counted here are of one moment.

use std::collections::BTreeMap;

use crate::catalog::{Account, AccountKey};
use crate::event::{Offset, Stream};
use crate::log::{EventLog, LogError, Partition, ReadLimit, Slice};
use crate::streams::Streams;
use crate::world::Clock;

use super::{DeliveryError, Surroundings};

/// Read at once while counting; nothing of it is kept.
const READ_LIMIT: ReadLimit = ReadLimit { max_events: 10_000, max_bytes: 4 << 20 };

/// Has the account count these streams, if it does not. What is settled stays as it was counted; what is under way, and
/// all after it, is counted anew, as it is delivered anew. An account of a broker's partition is so each time that it is
/// taken up, and begins with what is settled.
pub async fn claim(
    surroundings: &Surroundings,
    account: Account,
    streams: &Streams,
) -> Result<Account, DeliveryError> {
    let (catalog, key) = (&surroundings.catalog, &account.key);
    if key.partition.is_of_topic() {
        // What is under way is read again, and counted then.
        return Ok(catalog.claim(key, streams, &BTreeMap::new(), 0).await?);
    }
    if account.claim.as_ref().is_some_and(|claim| claim.streams == *streams) {
        return Ok(account);
    }
    let counting = Counting::of(surroundings, &key.partition);
    let under_way = counting.under_way(surroundings, key, streams).await?;
    let accepted_before = counting.before(account.planned).await?;
    Ok(catalog.claim(key, streams, &accepted_before, under_way).await?)
}

/// Counts what the log holds.
pub(super) struct Counting<'a> {
    log: &'a dyn EventLog,
    clock: &'a dyn Clock,
    partition: &'a Partition,
}

impl<'a> Counting<'a> {
    pub fn of(surroundings: &'a Surroundings, partition: &'a Partition) -> Self {
        Self { log: surroundings.log.as_ref(), clock: surroundings.clock.as_ref(), partition }
    }

    /// Events of these streams in the account's batches that are planned and not settled.
    pub async fn under_way(
        &self,
        surroundings: &Surroundings,
        key: &AccountKey,
        streams: &Streams,
    ) -> Result<u64, DeliveryError> {
        let mut events = 0;
        for plan in surroundings.catalog.unsettled(key).await? {
            let counts = self.between(plan.first, plan.end).await?;
            events +=
                counts.iter().filter(|(stream, _)| streams.contains(stream)).map(|(_, n)| n).sum::<u64>();
        }
        Ok(events)
    }

    /// Events accepted before this offset, by stream. Read is only what lies between it and the nearest place where the
    /// log itself knows.
    pub async fn before(&self, at: Offset) -> Result<BTreeMap<Stream, u64>, LogError> {
        let extent = self.log.extent(self.partition);
        if at >= extent.end {
            return Ok(extent.accepted);
        }
        if let Some(mark) = self.log.mark(self.partition, at) {
            let mut accepted = mark.accepted;
            for (stream, count) in self.between(mark.offset, at).await? {
                *accepted.entry(stream).or_default() += count;
            }
            return Ok(accepted);
        }
        let after = self.between(at, extent.end).await?;
        let mut accepted = extent.accepted;
        for (stream, count) in &mut accepted {
            *count = count.saturating_sub(after.get(stream).copied().unwrap_or(0));
        }
        Ok(accepted)
    }

    /// Events between these offsets by stream, with those among them that damage took.
    async fn between(&self, first: Offset, end: Offset) -> Result<BTreeMap<Stream, u64>, LogError> {
        let mut counts = BTreeMap::new();
        let mut at = first.max(self.log.extent(self.partition).start);
        while at < end {
            let slice = self.read(at, end).await?;
            if slice.end == at {
                // A log that did not sync may have lost its end with the power.
                break;
            }
            at = slice.end;
            for record in slice.records {
                *counts.entry(record.stream).or_default() += 1;
            }
            for lost in slice.lost {
                *counts.entry(lost.stream).or_default() += lost.count;
            }
        }
        Ok(counts)
    }

    async fn read(&self, at: Offset, end: Offset) -> Result<Slice, LogError> {
        let max_events = usize::try_from(end.0 - at.0).unwrap_or(usize::MAX).min(READ_LIMIT.max_events);
        loop {
            match self.log.read(self.partition, at, ReadLimit { max_events, ..READ_LIMIT }).await {
                Err(LogError::Retry { reason, after }) => {
                    tracing::warn!(error = %reason, "the log could not be read; it is tried again");
                    self.clock.sleep(after).await;
                }
                decided => return decided,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Append, Mark};
    use crate::testkit::log::{MemoryLog, Sample};
    use crate::testkit::world::TestClock;

    fn counts(pairs: &[(&str, u64)]) -> BTreeMap<Stream, u64> {
        pairs.iter().map(|(name, count)| (Stream::new(name).unwrap(), *count)).collect()
    }

    #[tokio::test]
    async fn what_is_trimmed_went_before_and_what_is_damaged_is_still_counted() {
        let (log, partition, clock) = (MemoryLog::new("p"), Partition("p".into()), TestClock::start());
        for (stream, count) in [("events", 4), ("actions", 3), ("events", 5)] {
            log.append(Sample::new(stream, count).entry()).await.unwrap();
        }
        log.release(&partition, Offset(5)).await.unwrap();
        log.lose(6..9);

        let counting = Counting { log: &log, clock: &clock, partition: &partition };
        assert_eq!(counting.before(Offset(5)).await.unwrap(), counts(&[("actions", 1), ("events", 4)]));
        assert_eq!(counting.before(Offset(8)).await.unwrap(), counts(&[("actions", 3), ("events", 5)]));
        assert_eq!(counting.before(Offset(12)).await.unwrap(), counts(&[("actions", 3), ("events", 9)]));
        assert_eq!(
            counting.between(Offset(6), Offset(10)).await.unwrap(),
            counts(&[("actions", 1), ("events", 3)])
        );
        // Without a mark, the same is found from the other end.
        assert_eq!(log.mark(&partition, Offset(4)), None::<Mark>);
        assert_eq!(counting.before(Offset(4)).await.unwrap(), counts(&[("actions", 1), ("events", 4)]));
    }
}
