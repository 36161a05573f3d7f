//! How contents are packed: in the seekable format of Zstandard.
//!
//! **Constraints.** Any `zstd -d` unpacks what is kept here. Each piece is a frame of its own with a checksum, and a table
//! at the end tells where each begins: so that part of a content can be had without the rest, and damage is told, never
//! passed on. The format names itself at its end; a later one would have another number.
//!
//! The format is `zstd_seekable_compression_format.md`, version 0.1.0, of the Zstandard project: frames, then a skippable
//! frame (`5E 2A 4D 18`, its size) with two numbers for each frame (packed and unpacked size), the count of frames, a
//! byte of flags and the number `8F92EAB1`; all of them 32 bits, the lowest byte first.

mod packer;
mod table;
mod walk;

pub use packer::{Packer, Progress};
pub use table::{Frame, Table, TableError};
pub use walk::{Walked, walk};

/// As much of a content as is packed by itself.
pub const PIECE_BYTES: usize = 1 << 20;

/// Unpacks one frame, which has so many bytes.
pub fn unpack(packed: &[u8], size: usize) -> std::io::Result<Vec<u8>> {
    let unpacked = zstd::bulk::decompress(packed, size)?;
    match unpacked.len() == size {
        true => Ok(unpacked),
        false => Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "a piece has lost its end")),
    }
}
