//! Asks the catalog until it has done what was asked. Its operations may be repeated, so a lost answer is no harm.

use std::sync::Arc;

use crate::catalog::CatalogError;
use crate::world::{Clock, Random};

use super::retry::RetryPolicy;

pub(super) struct Persist {
    policy: RetryPolicy,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Persist {
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        let policy = RetryPolicy { initial: std::time::Duration::from_millis(50), ..RetryPolicy::default() };
        Self { policy, clock, random }
    }

    /// Repeats `operation` until it succeeds or can never succeed.
    pub async fn until_done<T, F>(&self, operation: impl Fn() -> F) -> Result<T, CatalogError>
    where
        F: Future<Output = Result<T, CatalogError>>,
    {
        let mut failures = 0;
        loop {
            match operation().await {
                Err(CatalogError::Retry(error)) => {
                    failures += 1;
                    tracing::warn!(error = %format_args!("{error:#}"), "the catalog did not answer; it is asked again");
                    self.clock.sleep(self.policy.delay(failures, self.random.as_ref())).await;
                }
                decided => return decided,
            }
        }
    }
}
