//! When to try again: exponential back-off with full jitter, cut short when the sink answers somebody else.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use crate::time::Timestamp;
use crate::world::{Clock, Random};

/// However long a store asks to be left alone, it is asked again after this.
const STORE_DELAY_MAX: Duration = Duration::from_secs(600);

/// The settings of a back-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The longest wait before the second attempt.
    pub initial: Duration,
    /// The longest wait between two attempts, unless the store asks for more.
    pub max: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { initial: Duration::from_millis(500), max: Duration::from_secs(60) }
    }
}

impl RetryPolicy {
    /// The wait after `failures` failures in a row (from 1): a random part of a limit that doubles each time.
    pub fn delay(&self, failures: u32, random: &dyn Random) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let limit = self.initial.saturating_mul(1 << doublings).min(self.max);
        limit.mul_f64(random.fraction())
    }
}

/// The back-off of one sink, shared by all of its batches: a sink that is away is away for all of them, and when it
/// answers one, the others do not wait any longer.
pub struct Backoff {
    policy: RetryPolicy,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    failures: AtomicU32,
    recovered: Notify,
}

impl Backoff {
    /// A back-off without failures yet.
    pub fn new(policy: RetryPolicy, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { policy, clock, random, failures: AtomicU32::new(0), recovered: Notify::new() }
    }

    /// Something succeeded: nobody has to wait any longer. Whether there had been failures.
    pub fn succeeded(&self) -> bool {
        let recovered = self.failures.swap(0, Ordering::Relaxed) > 0;
        if recovered {
            self.recovered.notify_waiters();
        }
        recovered
    }

    /// Something failed: how long to wait, and until when that is. `asked` is the store's own wish.
    pub fn failed(&self, asked: Option<Duration>) -> (Duration, Timestamp) {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let delay = match asked {
            Some(asked) => asked.min(STORE_DELAY_MAX),
            None => self.policy.delay(failures, self.random.as_ref()),
        };
        (delay, self.clock.now().after(delay))
    }

    /// Waits so long, or until something succeeded.
    pub async fn wait(&self, delay: Duration) {
        tokio::select! {
            biased;
            () = self.recovered.notified() => {}
            () = self.clock.sleep(delay) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::world::SeededRandom;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_delay_never_exceeds_its_doubling_limit_nor_the_longest(failures in 1_u32..10_000, seed: u64) {
            let policy = RetryPolicy::default();
            let limit = Duration::from_millis(500).saturating_mul(1 << (failures - 1).min(20)).min(policy.max);
            prop_assert!(policy.delay(failures, &SeededRandom::new(seed)) <= limit);
        }
    }
}
