//! What became of a segment: every block checked, damage found, and what it took counted by stream.
//!
//! Blocks tell where they stand in the log and in their stream, so events that are missing between two of them can
//! be counted without being read; the head of the next segment tells what is missing at the end.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;

use bytes::Bytes;
use memchr::memmem;
use weir_core::event::Stream;
use weir_core::time::Timestamp;

use super::block::{BlockHead, HEAD_MAX_BYTES, MAGIC, stream_hint};
use super::decode::Decoder;
use super::disk::DiskFile;
use super::shelf::Segment;
use super::tally::Tally;
use super::window::{Mode, Window};

const PIECE_BYTES: usize = 1 << 20;

/// Events that cannot be read any more, and the bytes where they were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    /// The first offset that is missing; equals `end` where damage took no event.
    pub first: u64,
    /// The first offset that is there again.
    pub end: u64,
    /// How many of which stream. Laid end to end, they say what each missing offset was.
    pub parts: Vec<(Stream, u64)>,
    /// The damaged bytes of the file.
    pub bytes: Range<u64>,
}

impl Gap {
    /// What is missing between two offsets, by stream.
    pub(super) fn between(&self, from: u64, end: u64) -> Vec<(Stream, u64)> {
        let mut at = self.first;
        let mut parts = Vec::new();
        for (stream, count) in &self.parts {
            let part_end = at + count;
            let inside = part_end.min(end).saturating_sub(at.max(from));
            if inside > 0 {
                parts.push((stream.clone(), inside));
            }
            at = part_end;
        }
        parts
    }
}

/// How a segment ends.
pub(super) enum Ending {
    /// It is the last, and where its events end has to be found out: what is broken at its end was never finished.
    Unknown,
    /// The first offset after it, and the events accepted by then, by stream, where that is known.
    Known { end: u64, accepted: Option<BTreeMap<Stream, u64>> },
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Damage, by rising offset.
    pub gaps: Vec<Gap>,
    /// The offset after the last event.
    pub end: u64,
    /// The byte after the last whole block: where writing goes on.
    pub position: u64,
    /// Bytes of an entry that was never finished.
    pub torn: Option<Range<u64>>,
    /// Events accepted up to the end, by stream.
    pub accepted: BTreeMap<Stream, u64>,
    /// The latest `received_at` of the segment's own events.
    pub received_max: Option<Timestamp>,
    /// Intact blocks.
    pub blocks: u64,
    /// Intact events.
    pub events: u64,
}

impl Survey {
    /// The damage that the offset fell to.
    pub(super) fn gap_at(&self, offset: u64) -> Option<&Gap> {
        self.gaps.iter().find(|gap| gap.first <= offset && offset < gap.end)
    }
}

/// Goes through a whole segment.
pub(super) fn survey(
    segment: &Segment,
    file: &dyn DiskFile,
    file_end: u64,
    ending: Ending,
    mut progress: impl FnMut(u64),
) -> io::Result<Survey> {
    let stop = match &ending {
        Ending::Unknown => u64::MAX,
        Ending::Known { end, .. } => *end,
    };
    let mut window = Window::new(file, file_end, PIECE_BYTES, Mode::Salvaging);
    let mut tally = Tally::new(segment);
    let mut at = segment.blocks_at;
    let mut told = at;
    let mut previous = None;
    while tally.end() < stop {
        match look_at(&mut window, segment.salt, at, &mut previous)? {
            Found::Block { head, whole } if tally.end() <= head.first && head.first < stop => {
                tally.block(at, &head, whole);
                at += head.bytes();
            }
            found => {
                let hint = if let Found::Nothing { hint } = found { hint } else { None };
                tally.junk(at, hint);
                match next_magic(&mut window, at + 1)? {
                    Some(next) => at = next,
                    None => break,
                }
            }
        }
        if at >= told + PIECE_BYTES as u64 {
            progress(at - told);
            told = at;
        }
    }
    let written = last_written(&mut window, tally.position())?;
    let survey = tally.finish(ending, written);
    progress(file_end.saturating_sub(told));
    Ok(survey)
}

/// What stands at a byte.
enum Found {
    Block { head: BlockHead, whole: bool },
    Nothing { hint: Option<Stream> },
}

/// Reads the head at this byte; `None` where there is no sound one.
pub(super) fn head_at(
    window: &mut Window<'_>,
    salt: u32,
    at: u64,
    previous: &mut Option<Stream>,
) -> io::Result<Option<BlockHead>> {
    Ok(BlockHead::decode(window.look(at, HEAD_MAX_BYTES)?, salt, previous))
}

/// Reads a block's payload; `None` where it is damaged.
pub(super) fn payload_of(window: &mut Window<'_>, head: &BlockHead, at: u64) -> io::Result<Option<Bytes>> {
    let count = head.payload_bytes as usize;
    let payload_at = at + head.head_bytes() as u64;
    if payload_at + count as u64 > window.end() {
        return Ok(None);
    }
    let payload = window.slice(payload_at, count)?;
    Ok((payload.len() == count && crc32c::crc32c(&payload) == head.payload_crc).then_some(payload))
}

fn look_at(window: &mut Window<'_>, salt: u32, at: u64, previous: &mut Option<Stream>) -> io::Result<Found> {
    match head_at(window, salt, at, previous)? {
        None => Ok(Found::Nothing { hint: stream_hint(window.look(at, HEAD_MAX_BYTES)?) }),
        Some(head) => {
            let payload = payload_of(window, &head, at)?;
            let whole = payload.is_some_and(|payload| Decoder::default().is_whole(&head, &payload));
            Ok(Found::Block { head, whole })
        }
    }
}

/// The next place at or after `at` where a block may begin.
fn next_magic(window: &mut Window<'_>, mut at: u64) -> io::Result<Option<u64>> {
    let finder = memmem::Finder::new(&MAGIC);
    while at < window.end() {
        let piece = window.piece(at)?;
        if let Some(index) = finder.find(piece) {
            return Ok(Some(at + index as u64));
        }
        if piece.len() < MAGIC.len() {
            // The rest of a piece may hold the beginning of a magic: look again from there, with a new piece.
            let rest = window.look(at, MAGIC.len())?;
            if rest.len() < MAGIC.len() {
                return Ok(None);
            }
        } else {
            at += (piece.len() - (MAGIC.len() - 1)) as u64;
        }
    }
    Ok(None)
}

/// The byte after the last that is not zero; `from` where there is none after it.
fn last_written(window: &mut Window<'_>, from: u64) -> io::Result<u64> {
    let (mut at, mut last) = (from, from);
    while at < window.end() {
        let piece = window.piece(at)?;
        if piece.is_empty() {
            break;
        }
        if let Some(index) = last_not_zero(piece) {
            last = at + index as u64 + 1;
        }
        at += piece.len() as u64;
    }
    Ok(last)
}

/// Compares by page first: most of what is looked at here are zeros.
fn last_not_zero(piece: &[u8]) -> Option<usize> {
    const ZEROS: [u8; 4096] = [0; 4096];
    let page = piece.chunks(ZEROS.len()).rposition(|page| page != &ZEROS[..page.len()])?;
    let page_end = piece.len().min((page + 1) * ZEROS.len());
    piece[..page_end].iter().rposition(|byte| *byte != 0)
}
