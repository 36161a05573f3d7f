//! Drops a future at its n-th poll.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Gives `None` where the future was not done after so many polls; it is not polled again.
pub struct CrashAfter<F> {
    polls: u64,
    future: Pin<Box<F>>,
}

impl<F: Future> CrashAfter<F> {
    pub fn new(polls: u64, future: F) -> Self {
        Self { polls, future: Box::pin(future) }
    }
}

impl<F: Future> Future for CrashAfter<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.polls == 0 {
            return Poll::Ready(None);
        }
        self.polls -= 1;
        self.future.as_mut().poll(context).map(Some)
    }
}
