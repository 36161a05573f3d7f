//! Reading: from an offset to its block, and from blocks to records, up to what is durable and no further.
//!
//! A slice holds records without a gap between them, or tells of one gap and holds none, and it spans no more
//! offsets than `max_events`. So what is lost always falls to the range that was asked for, and the same range
//! tells the same again.

use std::io;

use weir_core::event::{Offset, Record};
use weir_core::log::{LogError, Lost, ReadLimit, Slice};

use super::damage;
use super::decode::Decoder;
use super::disk::DiskFile;
use super::health::refused;
use super::inner::Inner;
use super::shelf::{Landmark, Segment};
use super::survey::{Gap, head_at, payload_of};
use super::window::{Mode, Window};

/// A read is done in pieces of at most this.
const PIECE_MAX_BYTES: u64 = 1 << 20;
const PIECE_MIN_BYTES: u64 = 16 << 10;
/// A read of no more than this is done at once where the system has it in memory: that takes less time than to
/// hand it to another thread.
const AT_ONCE_MAX_BYTES: u64 = 128 << 10;
/// Room for no more events than this is made ahead.
const RESERVED_MAX_EVENTS: u64 = 100_000;
/// The most that one slice gives, whatever the limit.
const SLICE_MAX_BYTES: usize = 16 << 20;

/// Why there is no slice.
pub(super) enum Obstacle {
    /// It would take waiting for the device, or a survey.
    WouldBlock,
    /// Nothing to be done about it here.
    Failed(LogError),
}

impl From<io::Error> for Obstacle {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock => Self::WouldBlock,
            _ => Self::Failed(refused(format!("the log cannot be read: {error}"))),
        }
    }
}

/// Whether the read is small enough to be tried on the caller's own task.
pub(super) fn is_small(inner: &Inner, from: u64, limit: ReadLimit) -> bool {
    let end = inner.end();
    let events = end.saturating_sub(from).min(limit.max_events as u64);
    inner.shelf.find(from).is_some_and(|(segment, next)| {
        let stop = next.map_or(end, |next| next.base);
        wanted_bytes(&segment, stop, events, limit) <= AT_ONCE_MAX_BYTES
    })
}

/// Reads from `from`, which is before the end and not trimmed.
pub(super) fn slice(inner: &Inner, from: u64, limit: ReadLimit, mode: Mode) -> Result<Slice, Obstacle> {
    // The end first: whatever segment is found then, holds events up to that end or has a successor.
    let end = inner.end();
    inner.check_kept(from).map_err(Obstacle::Failed)?;
    let Some((segment, next)) = inner.shelf.find(from) else { return Err(Obstacle::WouldBlock) };
    let stop = next.map_or(end, |next| next.base.min(end));
    let walk = Walk { inner, segment: &segment, from, stop, limit };
    if let Some(slice) = walk.known_gap() {
        return Ok(slice);
    }
    let file = inner.shelf.file(&segment.path).map_err(|error| trimmed_or(inner, from, error))?;
    for _ in 0..2 {
        // Where damage is known, some of it may be bytes that the device does not give.
        let salvage = mode == Mode::Waiting && segment.survey().is_some();
        match walk.records(&*file, if salvage { Mode::Salvaging } else { mode }) {
            Ok(slice) if !slice.records.is_empty() => return Ok(slice),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error.into()),
            Ok(_) if mode == Mode::Cached => return Err(Obstacle::WouldBlock),
            Ok(_) | Err(_) => damage::find(inner, &segment)?,
        }
        if let Some(slice) = walk.known_gap() {
            return Ok(slice);
        }
    }
    Err(Obstacle::Failed(refused(format!("offset {from} cannot be read from {}", segment.path.display()))))
}

fn trimmed_or(inner: &Inner, from: u64, error: io::Error) -> Obstacle {
    inner.check_kept(from).map_or_else(Obstacle::Failed, |()| error.into())
}

/// What `limit` comes to in bytes of the file, by the mean size of the segment's events.
fn wanted_bytes(segment: &Segment, stop: u64, max_events: u64, limit: ReadLimit) -> u64 {
    let mean_bytes = segment.bytes() / (stop - segment.base).max(1) + 1;
    let by_bytes = (limit.max_bytes as u64).saturating_add(limit.max_bytes as u64 / 4);
    mean_bytes.saturating_mul(max_events.saturating_add(2)).min(by_bytes)
}

/// About how many of `max_events` there are in so many bytes.
fn events_within(segment: &Segment, stop: u64, max_events: u64, bytes: u64) -> usize {
    let mean_bytes = segment.bytes() / (stop - segment.base).max(1) + 1;
    (bytes / mean_bytes + 1).min(max_events).min(RESERVED_MAX_EVENTS) as usize
}

struct Walk<'a> {
    inner: &'a Inner,
    segment: &'a Segment,
    from: u64,
    stop: u64,
    limit: ReadLimit,
}

impl Walk<'_> {
    /// The gap at `from`, if one is known there.
    fn known_gap(&self) -> Option<Slice> {
        let survey = self.segment.survey()?;
        let gap = survey.gap_at(self.from)?;
        let span = (self.limit.max_events as u64).max(1);
        let end = gap.end.min(self.stop).min(self.from.saturating_add(span));
        let detail = damage::describe(self.segment, gap);
        let tell = |(stream, count)| Lost { stream, count, reason: "log_damaged", detail: detail.clone() };
        let lost = Gap::between(gap, self.from, end).into_iter().map(tell).collect();
        Some(Slice { end: Offset(end), lost, ..Slice::default() })
    }

    /// The records from `from` on, up to a limit, damage or the end; none where damage comes first.
    fn records(&self, file: &dyn DiskFile, mode: Mode) -> io::Result<Slice> {
        let events = (self.stop - self.from).min(self.limit.max_events as u64);
        let wanted = wanted_bytes(self.segment, self.stop, events, self.limit);
        let mut taken = Taken::new(self.limit, self.from);
        taken.slice.records.reserve(events_within(self.segment, self.stop, events, wanted));
        let piece_bytes = wanted.clamp(PIECE_MIN_BYTES, PIECE_MAX_BYTES) as usize;
        let mut window = Window::new(file, self.segment.bytes(), piece_bytes, mode);
        let mut decoder = Decoder::default();
        let mut previous = None;
        let Landmark { offset: mut expected, mut at } = self.begin();
        while expected < self.stop && !taken.full {
            let Some(head) = head_at(&mut window, self.segment.salt, at, &mut previous)? else { break };
            if head.first > expected || head.end() <= expected {
                break;
            }
            if head.end() > self.from {
                let Some(payload) = payload_of(&mut window, &head, at)? else { break };
                let next = taken.slice.end.0;
                if decoder.block(&head, &payload, next, |record| taken.offer(record)).is_none() {
                    break;
                }
            }
            if taken.slice.end.0 >= head.end() || head.end() <= self.from {
                expected = head.end();
                at += head.bytes();
                self.segment.pass(Landmark { offset: expected, at });
            }
        }
        if !taken.slice.records.is_empty() {
            self.inner.places.remember(self.segment.base, taken.slice.end.0, at);
        }
        Ok(taken.slice)
    }

    /// A block at or before `from`, as near as is known.
    fn begin(&self) -> Landmark {
        match self.inner.places.find(self.segment.base, self.from) {
            Some(at) => Landmark { offset: self.from, at },
            None => self.segment.landmark(self.from),
        }
    }
}

/// What a slice has taken so far.
struct Taken {
    slice: Slice,
    limit: ReadLimit,
    bytes: usize,
    full: bool,
}

impl Taken {
    fn new(limit: ReadLimit, from: u64) -> Self {
        let limit = ReadLimit { max_bytes: limit.max_bytes.min(SLICE_MAX_BYTES), ..limit };
        let slice = Slice { end: Offset(from), ..Slice::default() };
        Self { slice, limit, bytes: 0, full: false }
    }

    /// Takes the record, unless a limit says no. At least one is taken.
    fn offer(&mut self, record: Record) -> bool {
        self.bytes += record.event.body.len();
        let over = self.slice.records.len() >= self.limit.max_events || self.bytes > self.limit.max_bytes;
        if over && !self.slice.records.is_empty() {
            self.full = true;
            return false;
        }
        self.slice.end = record.offset.next();
        self.slice.records.push(record);
        self.full = self.slice.records.len() >= self.limit.max_events;
        !self.full
    }
}
