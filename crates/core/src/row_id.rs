//! Row numbers that fit a BIGINT and stay apart when databases of several instances are merged.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::world::Clock;

/// 2020-01-01T00:00:00Z, in milliseconds since 1970.
const EPOCH_MILLIS: i64 = 1_577_836_800_000;
const SEQUENCE_BITS: u32 = 12;
const INSTANCE_BITS: u32 = 10;

/// Gives numbers of 63 bits: 41 of milliseconds since 2020, 10 of the instance, 12 of a sequence. They rise.
pub struct RowIds {
    clock: Arc<dyn Clock>,
    instance: i64,
    /// The last one given, without the instance: milliseconds and sequence, counted on as one number.
    last: AtomicI64,
}

impl RowIds {
    /// Numbers of this instance; its lower ten bits count.
    pub fn new(clock: Arc<dyn Clock>, instance: u16) -> Self {
        Self { clock, instance: i64::from(instance & ((1 << INSTANCE_BITS) - 1)), last: AtomicI64::new(0) }
    }

    /// The next number. Goes on counting where the clock stands still or jumps back.
    pub fn next(&self) -> i64 {
        let millis = (self.clock.now().as_micros() / 1000 - EPOCH_MILLIS).clamp(0, (1 << 41) - 1);
        let floor = millis << SEQUENCE_BITS;
        let advance = |last: i64| Some(floor.max(last + 1));
        let last =
            self.last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, advance).unwrap_or_else(|last| last);
        let now = floor.max(last + 1);
        let sequence = now & ((1 << SEQUENCE_BITS) - 1);
        (now >> SEQUENCE_BITS) << (SEQUENCE_BITS + INSTANCE_BITS) | self.instance << SEQUENCE_BITS | sequence
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::world::TestClock;

    #[tokio::test(start_paused = true)]
    async fn numbers_rise_while_the_clock_stands_still() {
        let ids = RowIds::new(Arc::new(TestClock::start()), 7);
        let numbers: Vec<i64> = (0..10_000).map(|_| ids.next()).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b));
        assert!(numbers.iter().all(|number| *number > 0 && (number >> 12) & 0x3FF == 7));
    }
}
