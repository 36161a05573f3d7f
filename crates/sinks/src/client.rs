//! Asking stores over HTTP.

use std::future::Future;
use std::time::Duration;

use anyhow::anyhow;
use reqwest::RequestBuilder;
use weir_connect::{Fault, http};
use weir_core::sink::SinkError;

pub(crate) use weir_connect::http::{Reply, StoreClient, clipped};

/// Sends the request and reads the whole answer, whatever its status.
pub(crate) async fn exchange(request: RequestBuilder, address: &str) -> Result<Reply, SinkError> {
    http::exchange(request, address).await.map_err(|fault| match fault {
        Fault::Blocked(text) => SinkError::Blocked { cause: anyhow!(text) },
        passing => SinkError::retry(passing),
    })
}

/// Ends a call in time, whatever the store does.
pub(crate) async fn within<T>(
    limit: Duration,
    address: &str,
    call: impl Future<Output = Result<T, SinkError>>,
) -> Result<T, SinkError> {
    let late = || SinkError::retry(anyhow!("{address} did not answer within {limit:?}"));
    tokio::time::timeout(limit, call).await.unwrap_or_else(|_| Err(late()))
}
