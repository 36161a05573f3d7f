//! What has to be done from time to time, whether events come or not.

use std::sync::Arc;
use std::time::Duration;

use weir_core::sink::SinkError;

use super::inner::Inner;

const INTERVAL: Duration = Duration::from_secs(60);

/// Keeps the tables up, for as long as it is let.
pub(super) async fn run(inner: Arc<Inner>) {
    loop {
        inner.clock.sleep(INTERVAL).await;
        match inner.within(inner.keep_up()).await {
            Ok(()) => {}
            Err(error @ SinkError::Blocked { .. }) => {
                tracing::warn!(%error, "Postgres's tables cannot be kept up");
            }
            // Deliveries meet the same, and tell it.
            Err(error) => tracing::debug!(%error, "Postgres's tables are kept up later"),
        }
    }
}
