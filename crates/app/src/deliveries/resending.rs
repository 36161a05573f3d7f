//! Dead letters that a person wants sent again: from the catalog to the deliveries that wait for them.

use std::sync::Arc;

use weir_core::catalog::{AccountKey, CatalogError, DeadLetterFilter};
use weir_core::delivery::Surroundings;

use super::Deliveries;

impl Deliveries {
    /// Sends the matching dead letters again. How many.
    ///
    /// It goes on when the caller no longer waits: what the catalog has released must not be forgotten here.
    pub async fn resend(
        self: &Arc<Self>,
        filter: &DeadLetterFilter,
        id: Option<i64>,
    ) -> Result<u64, CatalogError> {
        let (deliveries, filter) = (Arc::clone(self), filter.clone());
        let released = tokio::spawn(async move { deliveries.release(&filter, id).await });
        released.await.unwrap_or_else(|error| Err(CatalogError::Retry(error.into())))
    }

    async fn release(&self, filter: &DeadLetterFilter, id: Option<i64>) -> Result<u64, CatalogError> {
        let _alone = self.releasing.lock().await;
        let released = match self.surroundings.catalog.resend(filter, id).await {
            Ok(released) => released,
            Err(error) => {
                self.count_again(filter).await;
                return Err(error);
            }
        };
        for (key, count) in &released {
            self.surroundings.ledger.resending(key, *count);
            if let Some(wishes) = self.wishes().get(key) {
                wishes.resend.notify_one();
            }
        }
        Ok(released.iter().map(|(_, count)| count).sum())
    }

    /// After a lost answer, which may have released letters all the same: every account that is concerned is read
    /// again, and what waits in it is sent.
    async fn count_again(&self, filter: &DeadLetterFilter) {
        let concerned = |key: &AccountKey| {
            key.lane.is_empty() && filter.sink.as_deref().is_none_or(|sink| *key.sink.0 == *sink)
        };
        for (_, wishes) in self.wishes().iter().filter(|(key, _)| concerned(key)) {
            wishes.begin_anew.notify_one();
        }
        // Sinks that are no longer configured have no delivery that could do it.
        let gone = |key: &AccountKey| concerned(key) && !self.sinks.contains_key(&key.sink);
        if let Err(error) = self.reopen(gone).await {
            tracing::warn!(%error, "the dead letters of sinks that are no longer configured could not be counted again");
        }
    }

    async fn reopen(&self, concerned: impl Fn(&AccountKey) -> bool) -> Result<(), CatalogError> {
        let Surroundings { ledger, catalog, .. } = &self.surroundings;
        for account in catalog.accounts().await? {
            if concerned(&account.key) {
                ledger.reopen(catalog.as_ref(), account).await?;
            }
        }
        Ok(())
    }
}
