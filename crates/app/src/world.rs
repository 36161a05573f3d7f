//! The real clock and the real dice.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use rand::Rng;
use weir_core::time::Timestamp;
use weir_core::world::{Clock, Random};

/// The system's clock, and tokio's timers.
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => Timestamp::from_micros(0).after(since),
            Err(before) => Timestamp::from_micros(0).before(before.duration()),
        }
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A generator a thread, seeded by the operating system and fit for secrets.
pub struct OsRandom;

impl Random for OsRandom {
    fn next(&self) -> u64 {
        rand::rng().next_u64()
    }
}
