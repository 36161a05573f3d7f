//! A clock that tokio's paused time drives, and dice from a seed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use crate::time::Timestamp;
use crate::world::{Clock, Random};

/// Begins at a fixed moment and runs with tokio's clock, which a test may pause.
pub struct TestClock {
    begin: tokio::time::Instant,
}

impl TestClock {
    /// 2026-01-01T00:00:00Z, now.
    pub const BEGIN: i64 = 1_767_225_600_000_000;

    /// Starts the clock.
    pub fn start() -> Self {
        Self { begin: tokio::time::Instant::now() }
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(Self::BEGIN).after(self.begin.elapsed())
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// SplitMix64: small, seeded, the same on every machine.
pub struct SeededRandom(AtomicU64);

impl SeededRandom {
    /// Dice that fall the same way for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// True in `percent` of a hundred throws.
    pub fn chance(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A number below `limit`, which must not be zero.
    pub fn below(&self, limit: u64) -> u64 {
        self.next() % limit
    }
}

impl Random for SeededRandom {
    fn next(&self) -> u64 {
        let mut z =
            self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed).wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}
