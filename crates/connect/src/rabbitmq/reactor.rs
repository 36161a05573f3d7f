//! What lapin is told of I/O: tokio's own, over connections that are encrypted here and can be cut.

use std::future::Future;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use async_rs::traits::Reactor;
use async_rs::util::RuntimeParts;
use async_rs::{Runtime, Tokio};
use futures::Stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::wire::Wire;

/// Tokio's tasks and timers, and connections of ours.
pub(super) type Kit = RuntimeParts<Tokio, WireReactor>;

/// The runtime that this is called in.
pub(super) fn runtime() -> Runtime<Kit> {
    Runtime::new(RuntimeParts::new(Tokio::current(), WireReactor(Tokio::current())))
}

/// A connection that ends with an error once it is cut, also for whoever waits for its other side.
pub(super) struct Severable {
    wire: Wire,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Severable {
    pub fn new(wire: Wire, cut: CancellationToken) -> Compat<Self> {
        Self { wire, cut: Box::pin(cut.cancelled_owned()) }.compat()
    }

    fn check(&mut self, context: &mut Context<'_>) -> io::Result<&mut Wire> {
        match self.cut.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::Error::new(io::ErrorKind::ConnectionAborted, "it was given up")),
            Poll::Pending => Ok(&mut self.wire),
        }
    }
}

impl AsyncRead for Severable {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(self.get_mut().check(context)?).poll_read(context, buffer)
    }
}

impl AsyncWrite for Severable {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(self.get_mut().check(context)?).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.get_mut().check(context)?).poll_flush(context)
    }

    /// What was cut is not shut down in order: that could wait for the other side.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut().check(context) {
            Ok(wire) => Pin::new(wire).poll_shutdown(context),
            Err(_) => Poll::Ready(Ok(())),
        }
    }
}

/// Tokio's reactor; its connections are [`Severable`].
#[derive(Clone, Debug)]
pub(super) struct WireReactor(Tokio);

impl Reactor for WireReactor {
    type TcpStream = Compat<Severable>;
    type Sleep = <Tokio as Reactor>::Sleep;

    /// Nobody asks for it: connections are made by whoever opens a link.
    fn register<H: Read + Write + Send + 'static>(
        &self,
        _socket: H,
    ) -> io::Result<impl futures::AsyncRead + futures::AsyncWrite + Send + Unpin + 'static> {
        Err::<Self::TcpStream, _>(io::Error::from(io::ErrorKind::Unsupported))
    }

    fn sleep(&self, duration: Duration) -> Self::Sleep {
        self.0.sleep(duration)
    }

    fn interval(&self, duration: Duration) -> impl Stream<Item = Instant> + Send + 'static {
        self.0.interval(duration)
    }

    /// Nor for this.
    fn tcp_connect_addr(
        &self,
        _address: SocketAddr,
    ) -> impl Future<Output = io::Result<Self::TcpStream>> + Send + 'static {
        std::future::ready(Err(io::Error::from(io::ErrorKind::Unsupported)))
    }
}
