//! A part, packed as it grows.
//!
//! **Constraint.** How small something becomes is only known when it is packed; what is not packed yet is counted as if it
//! could not be made smaller.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::coding::Coding;
use super::part_file::PartFile;

/// What packing adds at the end.
const END_MAX_BYTES: u64 = 64;
/// Below this one, what cannot be made smaller may become more than a little larger.
const ARCHIVE_LEVEL: Compression = Compression::new(2);

/// What is written, and how much of it a part has room for.
pub struct Packed {
    encoder: Encoder,
    max_bytes: u64,
    /// Bytes that the encoder may still hold.
    held_bytes: u64,
}

enum Encoder {
    Zstd(zstd::stream::write::Encoder<'static, PartFile>),
    Gzip(GzEncoder<PartFile>),
}

impl Packed {
    /// Into this file.
    pub fn new(file: PartFile, coding: Coding, max_bytes: u64) -> io::Result<Self> {
        let encoder = match coding {
            Coding::Zstd => Encoder::Zstd(zstd::stream::write::Encoder::new(file, 0)?),
            Coding::Gzip => Encoder::Gzip(GzEncoder::new(file, Compression::default())),
        };
        Ok(Self { encoder, max_bytes, held_bytes: 0 })
    }

    /// The same for files, in gzip: quick, as many are packed already.
    pub fn archive(file: PartFile, max_bytes: u64) -> Self {
        Self { encoder: Encoder::Gzip(GzEncoder::new(file, ARCHIVE_LEVEL)), max_bytes, held_bytes: 0 }
    }

    /// Whether the part has room for so many bytes, though they may not become smaller.
    pub fn fits(&mut self, bytes: u64) -> io::Result<bool> {
        if self.is_room_for(self.held_bytes + bytes) {
            return Ok(true);
        }
        self.settle()?;
        Ok(self.is_room_for(bytes))
    }

    /// So many bytes have room, though they may not become smaller.
    pub fn room(&mut self) -> io::Result<u64> {
        self.settle()?;
        let left = self.max_bytes.saturating_sub(self.encoder.file().bytes() + END_MAX_BYTES);
        Ok(within(left))
    }

    /// The file, with all that was written.
    pub fn finish(self) -> io::Result<PartFile> {
        match self.encoder {
            Encoder::Zstd(encoder) => encoder.finish(),
            Encoder::Gzip(encoder) => encoder.finish(),
        }
    }

    /// Has the encoder write out what it holds, so that it is counted as it became.
    fn settle(&mut self) -> io::Result<()> {
        if self.held_bytes > 0 {
            self.encoder.flush()?;
            self.held_bytes = 0;
        }
        Ok(())
    }

    fn is_room_for(&self, bytes: u64) -> bool {
        self.encoder.file().bytes() + at_worst(bytes) + END_MAX_BYTES <= self.max_bytes
    }
}

/// What packing makes of bytes that cannot be made smaller.
pub fn at_worst(bytes: u64) -> u64 {
    bytes + bytes / 64 + 128
}

/// So many bytes stay within a size, at worst.
fn within(bytes: u64) -> u64 {
    bytes.saturating_sub(128) / 65 * 64
}

impl Write for Packed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.encoder.write(bytes)?;
        self.held_bytes += count as u64;
        Ok(count)
    }

    // Only what asks for room needs it written out.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Encoder {
    fn file(&self) -> &PartFile {
        match self {
            Self::Zstd(encoder) => encoder.get_ref(),
            Self::Gzip(encoder) => encoder.get_ref(),
        }
    }
}

impl Write for Encoder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Zstd(encoder) => encoder.write(bytes),
            Self::Gzip(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Zstd(encoder) => encoder.flush(),
            Self::Gzip(encoder) => encoder.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_room_stays_within_it_at_worst() {
        for room in (0..100_000).step_by(7) {
            assert!(within(room) == 0 || at_worst(within(room)) <= room, "{room}");
        }
    }
}
