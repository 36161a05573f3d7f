//! When the next group begins.
//!
//! A group begins as soon as an entry waits; nothing waits for a clock. But where a sync takes long, callers who send
//! one event after the other fall into two halves that take turns, each sitting out the other's sync: half of what
//! the disk could do. So when several are known to be about, the group waits for those just answered to come back,
//! never longer than half a sync, and only as long as that is seen to pay. A lone caller never waits. (Measured with
//! 256 callers and a sync of 5 ms: 0.50 of callers ÷ sync without it, 0.76 with it.)
//!
//! Where a sync takes little, groups stay tiny and the processor pays for a sync and its wake-ups every few entries.
//! So when entries come denser than a few callers could send them, a group gathers for a
//! millisecond at most. (Measured with 256 callers on 2 cores and a sync of 77 µs: groups of 8 and 32,000 entries a
//! second without it, groups of 40 and 39,000 with it.)

use std::time::Duration;

/// Where a sync takes long because there is much to write, waiting would only leave the disk idle.
const LARGE_GROUP_BYTES: u64 = 1 << 20;
/// After so many groups, waiting is tried again where it did not pay.
const TRY_EVERY_GROUPS: u32 = 64;

/// How long a group gathers at most.
const GATHERING: Duration = Duration::from_millis(1);
/// Entries a second from which on a group gathers.
const DENSE_PER_SECOND: f64 = 20_000.0;
/// Over how long that is averaged.
const RATE_SECONDS: f64 = 0.01;

#[derive(Debug, Default)]
pub(super) struct Rhythm {
    about: usize,
    sync: Duration,
    per_second: f64,
    misses: u32,
    groups: u32,
}

impl Rhythm {
    /// How many entries are worth waiting for: nearly all, because the last few may have gone away.
    pub(super) fn expected(&self) -> usize {
        let returning = self.returning();
        if self.is_dense() {
            returning.max((self.per_second * GATHERING.as_secs_f64()) as usize)
        } else {
            returning
        }
    }

    /// How long they are waited for.
    pub(super) fn patience(&self) -> Duration {
        match (self.is_dense(), self.awaits_returning()) {
            (true, _) => GATHERING,
            (false, true) => self.sync / 2,
            (false, false) => Duration::ZERO,
        }
    }

    /// A group of so many begins, so long after the one before.
    pub(super) fn pace(&mut self, entries: usize, period: Duration) {
        let seconds = period.as_secs_f64().max(1e-6);
        let rate = entries as f64 / seconds;
        self.per_second += (rate - self.per_second) * seconds / (seconds + RATE_SECONDS);
    }

    /// A group of so many begins.
    pub(super) fn begin(&mut self, entries: usize) {
        match (entries >= self.returning(), self.awaits_returning()) {
            (true, _) => self.misses = 0,
            (false, true) => self.misses += 1,
            (false, false) => {}
        }
        self.groups = self.groups.wrapping_add(1);
    }

    /// The group was answered, after its sync took so long; so many more had come by then.
    pub(super) fn end(&mut self, entries: usize, bytes: u64, sync: Duration, waiting: usize) {
        self.about = if bytes < LARGE_GROUP_BYTES { entries + waiting } else { 0 };
        self.sync = sync;
    }

    fn returning(&self) -> usize {
        self.about - self.about / 8
    }

    fn awaits_returning(&self) -> bool {
        self.about > 1 && (self.misses == 0 || self.groups.is_multiple_of(TRY_EVERY_GROUPS))
    }

    fn is_dense(&self) -> bool {
        self.about > 1 && self.per_second >= DENSE_PER_SECOND && self.sync < GATHERING
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYNC: Duration = Duration::from_millis(4);

    #[test]
    fn a_lone_caller_never_waits() {
        let mut rhythm = Rhythm::default();
        for _ in 0..200 {
            assert_eq!(rhythm.patience(), Duration::ZERO);
            rhythm.begin(1);
            rhythm.end(1, 300, SYNC, 0);
        }
    }

    #[test]
    fn two_halves_become_one_group() {
        let mut rhythm = Rhythm::default();
        rhythm.begin(10);
        rhythm.end(10, 3_000, SYNC, 90);
        assert_eq!((rhythm.expected(), rhythm.patience()), (88, SYNC / 2));
        rhythm.begin(100);
        rhythm.end(100, 30_000, SYNC, 0);
        assert_eq!((rhythm.expected(), rhythm.patience()), (88, SYNC / 2));
    }

    #[test]
    fn large_groups_do_not_wait() {
        let mut rhythm = Rhythm::default();
        rhythm.begin(10);
        rhythm.end(10, 3_000_000, SYNC, 10);
        assert_eq!(rhythm.patience(), Duration::ZERO);
    }

    #[test]
    fn a_dense_crowd_shares_quick_syncs_and_nobody_else_does() {
        let paced = |entries: usize, period_us: u64, sync: Duration| {
            let mut rhythm = Rhythm::default();
            for _ in 0..200 {
                rhythm.begin(entries);
                rhythm.pace(entries, Duration::from_micros(period_us));
                rhythm.end(entries, 3_000, sync, 0);
            }
            rhythm.patience() == GATHERING
        };
        let quick = Duration::from_micros(80);
        assert!(paced(8, 250, quick));
        assert!(!paced(8, 1000, quick));
        assert!(!paced(1, 25, quick), "a lone caller, however quick");
        assert!(!paced(100, 4000, SYNC), "a slow sync gathers enough by itself");
    }

    #[test]
    fn a_burst_is_soon_forgotten() {
        let mut rhythm = Rhythm::default();
        for period_ms in [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 100] {
            rhythm.begin(50);
            rhythm.pace(50, Duration::from_millis(period_ms));
            rhythm.end(50, 3_000, Duration::from_micros(80), 0);
        }
        assert!(rhythm.patience() < GATHERING);
    }

    #[test]
    fn where_nobody_comes_back_it_is_hardly_tried_again() {
        let mut rhythm = Rhythm::default();
        let mut waits = 0;
        for _ in 0..6400 {
            waits += u32::from(!rhythm.patience().is_zero());
            rhythm.begin(10);
            rhythm.end(10, 3_000, SYNC, 10);
        }
        assert!(waits <= 110, "{waits}");
    }
}
