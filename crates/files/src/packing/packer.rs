//! Packing piece by piece.

use std::io::{self, Write};

use sha2::{Digest, Sha256};
use weir_core::files::ContentHash;
use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

use super::table::{Frame, Table};

const LEVEL: i32 = 3;
/// Hardly looks for anything: for what is packed already.
const IDLE_LEVEL: i32 = -7;
/// A piece that gives less than this part of itself is as good as packed.
const GAIN_MIN_PERCENT: u64 = 5;

/// Packs a content, and hashes it.
pub struct Packer<W> {
    to: W,
    compressor: Compressor<'static>,
    progress: Progress,
}

/// How far a content has come: all that is needed to go on behind what is packed.
#[derive(Clone, Default)]
pub struct Progress {
    hasher: Sha256,
    table: Table,
}

impl Progress {
    /// Bytes of the content.
    pub fn bytes(&self) -> u64 {
        self.table.bytes()
    }

    /// Bytes that they take up.
    pub fn packed_bytes(&self) -> u64 {
        self.table.packed_bytes()
    }

    /// Bytes that they take up with the table behind them.
    pub fn stored_bytes(&self) -> u64 {
        self.packed_bytes() + self.ending().len() as u64
    }

    /// The hash of what has come.
    pub fn hash(&self) -> ContentHash {
        ContentHash(self.hasher.clone().finalize().into())
    }

    /// One piece more, whose frame is written.
    pub(super) fn add(&mut self, piece: &[u8], packed_bytes: usize) -> io::Result<()> {
        let size = |bytes: usize| u32::try_from(bytes).map_err(io::Error::other);
        self.hasher.update(piece);
        self.table.add(Frame { packed_bytes: size(packed_bytes)?, bytes: size(piece.len())? });
        Ok(())
    }

    /// What stands at the end of a content that is whole.
    pub(crate) fn ending(&self) -> Vec<u8> {
        self.table.write()
    }
}

impl<W: Write> Packer<W> {
    /// Packs into `to`.
    pub fn new(to: W) -> io::Result<Self> {
        Self::resume(to, Progress::default())
    }

    /// Goes on behind what `to` has.
    pub fn resume(to: W, progress: Progress) -> io::Result<Self> {
        let level = progress.table.frames().first().map_or(LEVEL, |first| level_after(*first));
        let mut compressor = Compressor::new(level)?;
        compressor.set_parameter(CParameter::ChecksumFlag(true))?;
        Ok(Self { to, compressor, progress })
    }

    /// Adds a piece, at most [`super::PIECE_BYTES`] long. What the first one tells decides how hard is tried with the rest.
    pub fn add(&mut self, piece: &[u8]) -> io::Result<()> {
        let packed = self.compressor.compress(piece)?;
        self.to.write_all(&packed)?;
        self.progress.add(piece, packed.len())?;
        if let [first] = self.progress.table.frames() {
            self.compressor.set_compression_level(level_after(*first))?;
        }
        Ok(())
    }

    /// Where it has gone, and how far.
    pub fn pause(self) -> (W, Progress) {
        (self.to, self.progress)
    }

    /// Ends it with its table: where it went, and what there is.
    pub fn finish(mut self) -> io::Result<(W, Progress)> {
        self.to.write_all(&self.progress.ending())?;
        Ok(self.pause())
    }
}

fn level_after(first: Frame) -> i32 {
    let (packed, bytes) = (u64::from(first.packed_bytes), u64::from(first.bytes));
    if packed * 100 > bytes * (100 - GAIN_MIN_PERCENT) { IDLE_LEVEL } else { LEVEL }
}
