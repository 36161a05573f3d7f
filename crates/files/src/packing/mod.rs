//! How contents are packed: in the seekable format of Zstandard.
//!
//! **Constraints.** Any `zstd -d` unpacks what is kept here. Each piece is a frame of its own with a checksum, and a table
//! at the end tells where each begins: so that part of a content can be had without the rest, and damage is told, never
//! passed on. The format names itself at its end; a later one would have another number.
//!
//! The format is `zstd_seekable_compression_format.md`, version 0.1.0, of the Zstandard project: frames, then a skippable
//! frame (`5E 2A 4D 18`, its size) with two numbers for each frame (packed and unpacked size), the count of frames, a
//! byte of flags and the number `8F92EAB1`; all of them 32 bits, the lowest byte first.

use std::io;
use std::ops::Range;

use bytes::Bytes;
use weir_core::files::ByteRange;

mod packer;
mod table;
mod walk;

pub use packer::{Packer, Progress};
pub use table::{Frame, Table, TableError};
pub use walk::{Walked, walk};

/// As much of a content as is packed by itself.
pub const PIECE_BYTES: usize = 1 << 20;

/// The table of a content of whose end `last` gives so many bytes.
pub fn table_of<B: AsRef<[u8]>>(last: impl Fn(usize) -> io::Result<B>) -> io::Result<Table> {
    let length = Table::length(last(Table::FOOTER_BYTES)?.as_ref()).map_err(damaged)?;
    Table::read(last(length)?.as_ref()).map_err(damaged)
}

/// Unpacks what a range needs of a packed content that is whole in memory.
pub fn unpack_range(packed: &[u8], range: ByteRange) -> io::Result<Vec<Bytes>> {
    let cut = || damaged(TableError);
    let last = |length: usize| packed.len().checked_sub(length).map(|from| &packed[from..]).ok_or_else(cut);
    let piece = |(at, frame, within): (u64, Frame, Range<usize>)| {
        let frame_end = at as usize + frame.packed_bytes as usize;
        unpack_part(packed.get(at as usize..frame_end).ok_or_else(cut)?, frame, within)
    };
    table_of(last)?.within(range).into_iter().map(piece).collect()
}

/// Unpacks one frame, and gives a part of it.
pub fn unpack_part(packed: &[u8], frame: Frame, within: Range<usize>) -> io::Result<Bytes> {
    Ok(Bytes::from(unpack(packed, frame.bytes as usize)?).slice(within))
}

fn damaged(error: TableError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// Unpacks one frame, which has so many bytes.
fn unpack(packed: &[u8], size: usize) -> io::Result<Vec<u8>> {
    let unpacked = zstd::bulk::decompress(packed, size)?;
    match unpacked.len() == size {
        true => Ok(unpacked),
        false => Err(io::Error::new(io::ErrorKind::InvalidData, "a piece has lost its end")),
    }
}
