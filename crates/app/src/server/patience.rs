//! How a request waits no longer than it may.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

/// A way to keep a time limit.
#[derive(Clone, Copy, Debug)]
pub enum Patience {
    /// A timer for each limit.
    Timer,
    /// A look at the clock whenever the request is polled, which the warden sees to on its rounds: the limit may be
    /// passed by a round. Nothing is paid for it by requests that are answered sooner.
    Rounds,
}

/// The limit was passed.
#[derive(Debug)]
pub struct Elapsed;

impl Patience {
    /// What comes of `future`, unless it takes longer than `limit`.
    pub async fn within<F: Future>(self, limit: Duration, future: F) -> Result<F::Output, Elapsed> {
        match self {
            Self::Timer => tokio::time::timeout(limit, future).await.map_err(|_| Elapsed),
            Self::Rounds => {
                let begun = Instant::now();
                let mut future = pin!(future);
                poll_fn(|cx| match future.as_mut().poll(cx) {
                    Poll::Ready(output) => Poll::Ready(Ok(output)),
                    Poll::Pending if begun.elapsed() > limit => Poll::Ready(Err(Elapsed)),
                    Poll::Pending => Poll::Pending,
                })
                .await
            }
        }
    }
}
