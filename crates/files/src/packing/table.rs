//! The table at the end, which tells where each frame is.

use std::ops::Range;

use weir_core::files::ByteRange;

const SKIPPABLE: u32 = 0x184D_2A5E;
const MAGIC: u32 = 0x8F92_EAB1;
const HEADER_BYTES: usize = 8;
const ENTRY_BYTES: usize = 8;
/// Count, flags and number.
const FOOTER_BYTES: usize = 9;

/// A frame's sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it takes up.
    pub packed_bytes: u32,
    /// What it holds.
    pub bytes: u32,
}

/// All frames of a content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    frames: Vec<Frame>,
}

/// What is no such table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it does not end with a table of its pieces: it is damaged, or was put there by somebody else")]
pub struct TableError;

impl Table {
    /// What has to be read of the end to know how long the table is.
    pub const FOOTER_BYTES: usize = FOOTER_BYTES;

    /// The table's length, by the footer.
    pub fn length(footer: &[u8]) -> Result<usize, TableError> {
        let [frames @ .., 0, _, _, _, _] = footer else { return Err(TableError) };
        let magic = number(footer, FOOTER_BYTES - 4)?;
        let frames: [u8; 4] = frames.try_into().map_err(|_| TableError)?;
        let count = usize::try_from(u32::from_le_bytes(frames)).map_err(|_| TableError)?;
        match magic == MAGIC {
            true => Ok(HEADER_BYTES + count * ENTRY_BYTES + FOOTER_BYTES),
            false => Err(TableError),
        }
    }

    /// Reads all of it.
    pub fn read(table: &[u8]) -> Result<Self, TableError> {
        let footer = table.len().checked_sub(FOOTER_BYTES).ok_or(TableError)?;
        let is_whole = Self::length(&table[footer..])? == table.len() && number(table, 0)? == SKIPPABLE;
        let inner = table.len() - HEADER_BYTES;
        if !is_whole || usize::try_from(number(table, 4)?) != Ok(inner) {
            return Err(TableError);
        }
        let entries = table[HEADER_BYTES..footer].chunks_exact(ENTRY_BYTES);
        let frame = |entry| Ok(Frame { packed_bytes: number(entry, 0)?, bytes: number(entry, 4)? });
        Ok(Self { frames: entries.map(frame).collect::<Result<_, _>>()? })
    }

    pub(super) fn add(&mut self, frame: Frame) {
        self.frames.push(frame);
    }

    pub(super) fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// Bytes of the content.
    pub fn bytes(&self) -> u64 {
        self.frames.iter().map(|frame| u64::from(frame.bytes)).sum()
    }

    /// Bytes that they take up.
    pub(super) fn packed_bytes(&self) -> u64 {
        self.frames.iter().map(|frame| u64::from(frame.packed_bytes)).sum()
    }

    /// The frames that hold a range: where each lies, its frame, and what of its content is within.
    pub fn within(&self, range: ByteRange) -> Vec<(u64, Frame, Range<usize>)> {
        let (mut at, mut from, mut found) = (0, 0, Vec::new());
        for frame in &self.frames {
            let to = from + u64::from(frame.bytes);
            let (first, last) = (range.start.max(from), range.end.min(to));
            if first < last {
                // Both are within a frame, whose length has 32 bits.
                found.push((at, *frame, (first - from) as usize..(last - from) as usize));
            }
            at += u64::from(frame.packed_bytes);
            from = to;
        }
        found
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let inner = self.frames.len() * ENTRY_BYTES + FOOTER_BYTES;
        let mut table = Vec::with_capacity(HEADER_BYTES + inner);
        // Four billion pieces of a megabyte are no file.
        let mut add = |number: u32| table.extend_from_slice(&number.to_le_bytes());
        add(SKIPPABLE);
        add(inner as u32);
        for frame in &self.frames {
            add(frame.packed_bytes);
            add(frame.bytes);
        }
        add(self.frames.len() as u32);
        table.push(0);
        table.extend_from_slice(&MAGIC.to_le_bytes());
        table
    }
}

fn number(bytes: &[u8], at: usize) -> Result<u32, TableError> {
    let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
    four.map(u32::from_le_bytes).ok_or(TableError)
}
