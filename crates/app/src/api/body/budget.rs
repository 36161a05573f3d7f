//! The memory that all bodies share.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::api::problem::Problem;

/// The least that is taken at once, so that a body of many small pieces does not ask for each.
const STEP_BYTES: usize = 16 * 1024;

/// A number of bytes that bodies may take together.
#[derive(Clone)]
pub struct Budget {
    free: Arc<Semaphore>,
    total_bytes: usize,
    wait_max: Duration,
}

/// A part of it, given back when dropped.
#[derive(Default)]
pub struct Share(Vec<OwnedSemaphorePermit>);

impl Budget {
    /// `total_bytes`, for which a request waits at most `wait_max`.
    pub fn new(total_bytes: usize, wait_max: Duration) -> Self {
        // A semaphore counts in 29 bits; more than half a GiB of bodies at once is not wanted anyway.
        let total_bytes = total_bytes.min(Semaphore::MAX_PERMITS).min(1 << 29);
        Self { free: Arc::new(Semaphore::new(total_bytes)), total_bytes, wait_max }
    }

    /// So many bytes, or 503 when they do not come free in time.
    pub async fn take(&self, bytes: usize) -> Result<Share, Problem> {
        let mut share = Share::default();
        self.grow(&mut share, bytes).await?;
        Ok(share)
    }

    /// Makes the share at least `bytes` large.
    pub async fn grow(&self, share: &mut Share, bytes: usize) -> Result<(), Problem> {
        let Some(missing) = self.missing(share, bytes) else { return Ok(()) };
        let permit = match self.free.clone().try_acquire_many_owned(missing) {
            Ok(permit) => permit,
            Err(_) => {
                let waiting = self.free.clone().acquire_many_owned(missing);
                match tokio::time::timeout(self.wait_max, waiting).await {
                    Ok(Ok(permit)) => permit,
                    _ => return Err(crowded()),
                }
            }
        };
        share.0.push(permit);
        Ok(())
    }

    /// The same without waiting. Whether there was enough.
    pub fn try_grow(&self, share: &mut Share, bytes: usize) -> bool {
        let Some(missing) = self.missing(share, bytes) else { return true };
        let taken = self.free.clone().try_acquire_many_owned(missing);
        taken.map(|permit| share.0.push(permit)).is_ok()
    }

    fn missing(&self, share: &Share, bytes: usize) -> Option<u32> {
        let held = share.size_bytes();
        if bytes <= held {
            return None;
        }
        let step = if held == 0 { bytes } else { bytes - held + STEP_BYTES };
        // A share larger than everything could never be had; the limit of a body, which is lower, refuses it.
        u32::try_from(step.min(self.total_bytes.saturating_sub(held))).ok()
    }
}

impl Share {
    /// How large it is.
    pub fn size_bytes(&self) -> usize {
        self.0.iter().map(OwnedSemaphorePermit::num_permits).sum()
    }
}

/// 503: too many bodies at once.
pub fn crowded() -> Problem {
    Problem::unavailable(
        "busy",
        "the memory for request bodies is used up by other requests; try again",
        Duration::from_secs(1),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_finds_it_used_up_waits_and_is_told_so() {
        let budget = Budget::new(100, Duration::from_secs(1));
        let share = budget.take(100).await.unwrap();
        assert!(budget.take(1).await.is_err());
        let (waited, ()) = tokio::join!(budget.take(50), async { drop(share) });
        assert_eq!(waited.unwrap().size_bytes(), 50);
    }

    #[tokio::test(start_paused = true)]
    async fn a_share_grows_and_is_given_back_whole() {
        let budget = Budget::new(100_000, Duration::from_secs(1));
        let mut share = budget.take(10).await.unwrap();
        budget.grow(&mut share, 20_000).await.unwrap();
        assert!(share.size_bytes() >= 20_000);
        assert!(!budget.try_grow(&mut budget.take(0).await.unwrap(), 100_000));
        drop(share);
        assert_eq!(budget.take(100_000).await.unwrap().size_bytes(), 100_000);
    }
}
