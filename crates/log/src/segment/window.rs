//! A view of a file through one buffer, for whoever walks along it. What is looked at is read once, in large pieces.

use std::io;

use bytes::Bytes;

use super::disk::{DiskFile, read_full, read_full_cached};

/// A piece that cannot be read takes no more than this with it when damage is surveyed.
const SALVAGE_BYTES: usize = 4096;
/// How often a piece is tried before it counts as unreadable.
const SALVAGE_ATTEMPTS: usize = 3;

/// How to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Only what needs no waiting; `WouldBlock` otherwise.
    Cached,
    /// Waiting for the device.
    Waiting,
    /// Waiting, and with zeros in place of what the device cannot give.
    Salvaging,
}

/// A view of a file up to `end`.
pub(super) struct Window<'a> {
    file: &'a dyn DiskFile,
    end: u64,
    piece_bytes: usize,
    mode: Mode,
    at: u64,
    bytes: Bytes,
}

impl<'a> Window<'a> {
    pub(super) fn new(file: &'a dyn DiskFile, end: u64, piece_bytes: usize, mode: Mode) -> Self {
        Self { file, end, piece_bytes, mode, at: 0, bytes: Bytes::new() }
    }

    /// Where the view ends.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// `count` bytes from `at` on; fewer at the end.
    pub(super) fn look(&mut self, at: u64, count: usize) -> io::Result<&[u8]> {
        let range = self.cover(at, count)?;
        Ok(&self.bytes[range])
    }

    /// The same, to keep.
    pub(super) fn slice(&mut self, at: u64, count: usize) -> io::Result<Bytes> {
        let range = self.cover(at, count)?;
        Ok(self.bytes.slice(range))
    }

    /// All that one piece has from `at` on: at least a byte, unless `at` is the end.
    pub(super) fn piece(&mut self, at: u64) -> io::Result<&[u8]> {
        let from = self.cover(at, 1)?.start;
        Ok(&self.bytes[from..])
    }

    fn cover(&mut self, at: u64, count: usize) -> io::Result<std::ops::Range<usize>> {
        let count = (self.end.saturating_sub(at)).min(count as u64) as usize;
        let covered = at >= self.at && at + count as u64 <= self.at + self.bytes.len() as u64;
        if !covered {
            self.refill(at, count)?;
        }
        let from = ((at - self.at) as usize).min(self.bytes.len());
        Ok(from..(from + count).min(self.bytes.len()))
    }

    fn refill(&mut self, at: u64, count: usize) -> io::Result<()> {
        let wanted = (count.max(self.piece_bytes) as u64).min(self.end.saturating_sub(at)) as usize;
        let mut buffer = vec![0; wanted];
        let count = match self.mode {
            Mode::Cached => read_full_cached(self.file, &mut buffer, at)?,
            Mode::Waiting => read_full(self.file, &mut buffer, at)?,
            Mode::Salvaging => match read_full(self.file, &mut buffer, at) {
                Ok(count) => count,
                Err(_) => salvage(self.file, &mut buffer, at),
            },
        };
        buffer.truncate(count);
        self.at = at;
        self.bytes = buffer.into();
        Ok(())
    }
}

fn salvage(file: &dyn DiskFile, buffer: &mut [u8], at: u64) -> usize {
    for (index, piece) in buffer.chunks_mut(SALVAGE_BYTES).enumerate() {
        let piece_at = at + (index * SALVAGE_BYTES) as u64;
        let readable = (0..SALVAGE_ATTEMPTS).any(|_| read_full(file, piece, piece_at).is_ok());
        if !readable {
            piece.fill(0);
        }
    }
    buffer.len()
}
