//! What the account of an added sink begins with: what is accepted from now on, or all that the log keeps.
//!
//! **Constraint.** Nothing is accepted meanwhile, so what the log says and what is counted here are of one moment.

use std::collections::BTreeMap;

use weir_core::catalog::Opening;
use weir_core::event::Stream;
use weir_core::log::{EventLog, Extent, LogError, Partition, ReadLimit};
use weir_core::world::Clock;

/// Read at once while counting; nothing of it is kept.
const READ_LIMIT: ReadLimit = ReadLimit { max_events: 10_000, max_bytes: 4 << 20 };

/// Begins with the next event.
pub fn at_end(extent: Extent) -> Opening {
    Opening { from: extent.end, until: None, accepted_before: extent.accepted }
}

/// Begins with the oldest event that the log keeps. What went before it is found by counting what is kept: the log
/// knows how many it ever took, and is read once for this, when the sink is added.
pub async fn at_oldest(
    log: &dyn EventLog,
    clock: &dyn Clock,
    partition: &Partition,
) -> Result<Opening, LogError> {
    let extent = log.extent(partition);
    let kept = count(log, clock, partition, &extent).await?;
    let mut accepted_before = extent.accepted;
    for (stream, accepted) in &mut accepted_before {
        *accepted = accepted.saturating_sub(kept.get(stream).copied().unwrap_or(0));
    }
    Ok(Opening { from: extent.start, until: None, accepted_before })
}

/// The events that are kept by stream, with those among them that damage took.
async fn count(
    log: &dyn EventLog,
    clock: &dyn Clock,
    partition: &Partition,
    extent: &Extent,
) -> Result<BTreeMap<Stream, u64>, LogError> {
    let mut counts = BTreeMap::new();
    let mut at = extent.start;
    while at < extent.end {
        let slice = match log.read(partition, at, READ_LIMIT).await {
            Err(LogError::Retry { reason, after }) => {
                tracing::warn!(error = %reason, "the log could not be read; it is tried again");
                clock.sleep(after).await;
                continue;
            }
            decided => decided?,
        };
        if slice.end == at {
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

#[cfg(test)]
mod tests {
    use weir_core::event::Offset;
    use weir_core::log::Append;
    use weir_core::testkit::log::{MemoryLog, Sample};
    use weir_core::testkit::world::TestClock;

    use super::*;

    #[tokio::test]
    async fn what_is_trimmed_went_before_and_what_is_damaged_is_still_counted() {
        let (log, partition) = (MemoryLog::new("p"), Partition("p".into()));
        for (stream, count) in [("events", 4), ("actions", 3), ("events", 5)] {
            log.append(Sample::new(stream, count).entry()).await.unwrap();
        }
        log.release(&partition, Offset(5)).await.unwrap();
        log.lose(6..9);

        let opening = at_oldest(&log, &TestClock::start(), &partition).await.unwrap();
        let before = [("actions", 1), ("events", 4)].map(|(name, count)| (Stream::new(name).unwrap(), count));
        let expected = Opening { from: Offset(5), until: None, accepted_before: before.into() };
        assert_eq!(opening, expected);
    }
}
