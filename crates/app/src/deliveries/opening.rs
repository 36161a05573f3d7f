//! What the account of an added sink begins with: what is accepted from now on, or all that the log keeps.
//!
//! **Constraint.** Nothing is accepted meanwhile, so what the log says and what is counted here are of one moment.

use std::collections::BTreeMap;

use weir_core::catalog::Opening;
use weir_core::delivery::Surroundings;
use weir_core::event::{Offset, Stream};
use weir_core::log::{Extent, LogError, Partition, ReadLimit};

/// Read at once while counting; nothing of it is kept.
const READ_LIMIT: ReadLimit = ReadLimit { max_events: 10_000, max_bytes: 4 << 20 };

/// Begins with the next event.
pub fn at_end(extent: Extent) -> Opening {
    Opening { from: extent.end, until: None, accepted_before: extent.accepted }
}

/// Begins with the oldest event that the log keeps. What went before it is found by counting what is kept: the log
/// knows how many it ever took, and is read once for this, when the sink is added.
pub async fn at_oldest(
    surroundings: &Surroundings,
    partition: &Partition,
    extent: Extent,
) -> Result<Opening, LogError> {
    let kept = count(surroundings, partition, extent.start, extent.end).await?;
    let mut accepted_before = extent.accepted;
    for (stream, accepted) in &mut accepted_before {
        *accepted = accepted.saturating_sub(kept.get(stream).copied().unwrap_or(0));
    }
    Ok(Opening { from: extent.start, until: None, accepted_before })
}

/// The events between two offsets by stream, those among them that damage took.
async fn count(
    surroundings: &Surroundings,
    partition: &Partition,
    from: Offset,
    end: Offset,
) -> Result<BTreeMap<Stream, u64>, LogError> {
    let mut counts = BTreeMap::new();
    let mut at = from;
    while at < end {
        let slice = match surroundings.log.read(partition, at, READ_LIMIT).await {
            Err(LogError::Retry { reason, after }) => {
                tracing::warn!(error = %reason, "the log could not be read; it is tried again");
                surroundings.clock.sleep(after).await;
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
