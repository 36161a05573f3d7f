//! A body that is sent while a thread writes it.

use std::io::{self, Write};

use bytes::Bytes;
use http_body::Frame;
use tokio::sync::{mpsc, oneshot};

use super::answer::AnswerBody;
use super::problem::Problem;

/// What is handed on at once.
const BIT_BYTES: usize = 64 << 10;

/// Hands on what is written, and waits where the client is slower by more than so many bits.
pub struct Bits {
    sender: mpsc::Sender<Frame<Bytes>>,
    held: Vec<u8>,
    /// Told of the first bit, or of all there is where it is less.
    begun: Option<oneshot::Sender<Option<Bytes>>>,
}

impl Bits {
    /// A body, and what it is written to.
    pub fn live(bits_max: usize) -> (Self, AnswerBody) {
        let (sender, bits) = mpsc::channel(bits_max);
        let held = Vec::with_capacity(BIT_BYTES);
        (Self { sender, held, begun: None }, AnswerBody::Live { bits, under_way: None })
    }

    /// That was all.
    pub fn end(mut self) -> io::Result<()> {
        let Some(begun) = self.begun.take() else { return self.flush() };
        // Who has gone away does not mind.
        let _ = begun.send(Some(self.held.into()));
        Ok(())
    }
}

impl Write for Bits {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    /// Serde writes a few bytes at a time, some millions of times.
    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.held.len() + bytes.len() > BIT_BYTES {
            self.flush()?;
        }
        self.held.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        if let Some(begun) = self.begun.take() {
            let _ = begun.send(None);
        }
        let bit = std::mem::replace(&mut self.held, Vec::with_capacity(BIT_BYTES));
        let gone = |_| io::Error::new(io::ErrorKind::BrokenPipe, "the client went away");
        self.sender.blocking_send(Frame::data(bit.into())).map_err(gone)
    }
}

/// The body that a thread writes: whole where it is small, so that its size is known.
pub async fn written(
    bits_max: usize,
    write: impl FnOnce(&mut Bits) -> io::Result<()> + Send + 'static,
) -> Result<AnswerBody, Problem> {
    let (mut bits, live) = Bits::live(bits_max);
    let (begun, has_begun) = oneshot::channel();
    bits.begun = Some(begun);
    tokio::task::spawn_blocking(move || {
        if let Err(error) = write(&mut bits).and_then(|()| bits.end()) {
            tracing::debug!(%error, "an answer ended early");
        }
    });
    let whole = has_begun.await.map_err(|error| Problem::internal(&error))?;
    Ok(whole.map_or(live, AnswerBody::Whole))
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn a_small_body_is_whole_and_a_large_one_comes_in_bits() {
        for (bytes, is_whole) in [(0, true), (10, true), (BIT_BYTES, true), (5 * BIT_BYTES + 1, false)] {
            let content: Vec<u8> = (0..bytes).map(|number| (number % 251) as u8).collect();
            let expected = content.clone();
            let write =
                move |bits: &mut Bits| content.chunks(1_000).try_for_each(|chunk| bits.write_all(chunk));
            let body = written(2, write).await.unwrap();
            assert_eq!(matches!(body, AnswerBody::Whole(_)), is_whole, "{bytes}");
            assert!(body.collect().await.unwrap().to_bytes() == expected, "{bytes}");
        }
    }

    #[tokio::test]
    async fn what_nobody_reads_is_not_written_to_its_end() {
        let (to, ended) = oneshot::channel();
        let write = move |bits: &mut Bits| {
            let written = (0..1_000).try_for_each(|_| bits.write_all(&[0; BIT_BYTES]));
            let _ = to.send(written.is_err());
            written
        };
        drop(written(2, write).await.unwrap());
        assert!(ended.await.unwrap());
    }
}
