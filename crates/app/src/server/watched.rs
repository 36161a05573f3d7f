//! A socket that tells an [`Activity`] what passes through it, and that is not closed in the face of a client which
//! is still sending: what it has been told would be lost with the connection (RFC 9112, section 9.6).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, ReadBuf};

use super::activity::Activity;
use super::socket::Socket;

const LEFTOVERS_MAX_BYTES: usize = 64 * 1024 * 1024;

/// The socket and its watcher.
pub struct Watched {
    socket: TokioIo<Socket>,
    activity: Arc<Activity>,
    /// What is still read and thrown away before the socket is closed.
    leftovers_max_bytes: usize,
}

impl Watched {
    /// Watches this socket.
    pub fn new(socket: Socket, activity: Arc<Activity>) -> Self {
        Self { socket: TokioIo::new(socket), activity, leftovers_max_bytes: LEFTOVERS_MAX_BYTES }
    }

    /// Reads until the client has heard that this is over, or has sent enough.
    fn poll_leftovers(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut scrap = [0; 4096];
        while self.leftovers_max_bytes > 0 {
            let mut buffer = ReadBuf::new(&mut scrap);
            let read = std::task::ready!(Pin::new(self.socket.inner_mut()).poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                break;
            }
            self.leftovers_max_bytes = self.leftovers_max_bytes.saturating_sub(buffer.filled().len());
        }
        Poll::Ready(())
    }

    fn note_write<T>(&self, written: Poll<T>) -> Poll<T> {
        match written {
            Poll::Ready(_) => self.activity.has_written(),
            Poll::Pending => self.activity.cannot_write(),
        }
        written
    }
}

impl Read for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.socket).poll_read(cx, buffer);
        if read.is_ready() {
            self.activity.has_read();
        }
        read
    }
}

impl Write for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.note_write(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(cx, slices);
        self.note_write(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.socket).poll_flush(cx);
        // What TCP alone has taken is on its way; it has nothing to tell here.
        match self.socket.inner().holds_back() {
            true => self.note_write(flushed),
            false => flushed,
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut_down = Pin::new(&mut self.socket).poll_shutdown(cx);
        std::task::ready!(self.note_write(shut_down))?;
        if self.activity.has_leftovers() {
            std::task::ready!(self.poll_leftovers(cx));
        }
        Poll::Ready(Ok(()))
    }
}
