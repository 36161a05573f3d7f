//! Row numbers that fit a BIGINT and stay apart when databases of several instances are merged.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use uuid::Uuid;

use crate::world::Clock;

/// 2020-01-01T00:00:00Z, in milliseconds since 1970.
const EPOCH_MILLIS: i64 = 1_577_836_800_000;
const SEQUENCE_BITS: u32 = 12;
const INSTANCE_BITS: u32 = 10;
const SEAL_BITS: u32 = 52;
/// 2^64 divided by the golden ratio: neighbouring numbers get seals far apart.
const SEAL_FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

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

    /// From now on, gives numbers above this one, whoever gave it: what is stored may be of a later moment than the clock
    /// tells.
    pub fn go_on_after(&self, id: i64) {
        // From the next millisecond on: within one, the instance decides which of two is greater.
        let end_of_moment =
            id >> (SEQUENCE_BITS + INSTANCE_BITS) << SEQUENCE_BITS | ((1 << SEQUENCE_BITS) - 1);
        self.last.fetch_max(end_of_moment, Ordering::Relaxed);
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

/// The number as a UUID of version 7 (RFC 9562): another way to write it, with the same order, for whoever wants one.
/// Its time is the number's; what is left is made from the number, so that a UUID of another origin is known as such.
pub fn to_uuid(id: i64) -> Uuid {
    let millis = (id >> (SEQUENCE_BITS + INSTANCE_BITS)) + EPOCH_MILLIS;
    let below = id.cast_unsigned() & ((1 << (SEQUENCE_BITS + INSTANCE_BITS)) - 1);
    let seal = id.cast_unsigned().wrapping_mul(SEAL_FACTOR) >> (64 - SEAL_BITS);
    // 48 bits of time, 4 of version, the upper 12 of what is below, 2 of variant, the lower 10, and the seal.
    let upper = millis.cast_unsigned() << 16 | 0x7000 | below >> 10;
    let lower = 1 << 63 | (below & 0x3FF) << SEAL_BITS | seal;
    Uuid::from_u64_pair(upper, lower)
}

/// The number that is written so: as digits, or as [`to_uuid`] writes it.
pub fn read(text: &str) -> Option<i64> {
    if let Ok(id) = text.parse() {
        return Some(id);
    }
    let uuid = Uuid::try_parse(text).ok()?;
    let (upper, lower) = uuid.as_u64_pair();
    let millis = (upper >> 16).cast_signed().checked_sub(EPOCH_MILLIS).filter(|millis| *millis >= 0)?;
    let below = (upper & 0xFFF) << 10 | lower >> SEAL_BITS & 0x3FF;
    let id = millis.checked_mul(1 << (SEQUENCE_BITS + INSTANCE_BITS))? | below.cast_signed();
    (to_uuid(id) == uuid).then_some(id)
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

    #[tokio::test(start_paused = true)]
    async fn numbers_go_on_after_one_that_is_of_a_later_moment_than_the_clock_tells() {
        let (ids, of_another) =
            (RowIds::new(Arc::new(TestClock::start()), 7), RowIds::new(Arc::new(TestClock::start()), 1_000));
        let stored = of_another.next() + (3_600_000 << (SEQUENCE_BITS + INSTANCE_BITS));
        assert!(ids.next() < stored);
        ids.go_on_after(stored);
        ids.go_on_after(1);
        assert!(ids.next() > stored);
    }

    #[tokio::test(start_paused = true)]
    async fn a_number_is_written_as_a_uuid_of_its_time_and_read_back() {
        let ids = RowIds::new(Arc::new(TestClock::start()), 1023);
        let written: Vec<(i64, Uuid)> = (0..9_000).map(|_| ids.next()).map(|id| (id, to_uuid(id))).collect();
        for (id, uuid) in &written {
            assert_eq!(read(&uuid.to_string()), Some(*id));
            assert_eq!(read(&id.to_string()), Some(*id));
        }
        assert!(written.is_sorted_by_key(|(_, uuid)| *uuid));
        assert_eq!(written[0].1.get_version_num(), 7);
        assert_eq!(written[0].1.get_timestamp().unwrap().to_unix().0, 1_767_225_600);
        // Frozen: a UUID that was once told is good for ever.
        assert_eq!(written[0].1.to_string(), "019b76da-a800-7ffc-8004-1a8da5a5d7eb");
    }

    #[test]
    fn a_uuid_of_another_origin_is_no_number() {
        for text in ["", "x", "01a2027b-d680-7abc-8def-0123456789ab", "00000000-0000-0000-0000-000000000000"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
