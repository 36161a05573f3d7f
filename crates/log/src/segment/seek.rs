//! From a time to an offset.

use std::io;
use std::sync::Arc;

use weir_core::log::LogError;
use weir_core::time::Timestamp;

use super::damage;
use super::health::refused;
use super::inner::Inner;
use super::read::Obstacle;
use super::shelf::{Landmark, Segment};
use super::survey::head_at;
use super::window::{Mode, Window};

const PIECE_BYTES: usize = 256 << 10;

/// The first offset received at or after `time`; the end where there is none.
///
/// Each segment knows the latest time up to its end, so only the segment in which that first reaches `time` is
/// searched: the event that reached it is the first.
pub(super) fn seek(inner: &Inner, time: Timestamp) -> Result<u64, LogError> {
    let end = inner.end();
    let segments = inner.shelf.all();
    for (index, segment) in segments.iter().enumerate() {
        let stop = segments.get(index + 1).map_or(end, |next| next.base.min(end));
        if segment.received_max() >= time
            && let Some(offset) = seek_in(inner, segment, stop, time)?
        {
            return Ok(offset);
        }
    }
    Ok(end)
}

fn seek_in(
    inner: &Inner,
    segment: &Arc<Segment>,
    stop: u64,
    time: Timestamp,
) -> Result<Option<u64>, LogError> {
    let failed = |error: io::Error| refused(format!("the log cannot be read: {error}"));
    let mut from = Landmark { offset: segment.base, at: segment.blocks_at };
    let mut surveyed = false;
    loop {
        match walk(inner, segment, from, stop, time).map_err(failed)? {
            Outcome::Found(offset) => return Ok(Some(offset)),
            Outcome::NotHere => return Ok(None),
            Outcome::Damage(offset) => {
                let behind = segment.survey().and_then(|survey| {
                    let gap = survey.gaps.iter().find(|gap| gap.first >= offset)?;
                    Some(Landmark { offset: gap.end, at: gap.bytes.end })
                });
                match behind {
                    Some(landmark) if landmark > from => from = landmark,
                    _ if surveyed => return Ok(None),
                    _ => match damage::find(inner, segment) {
                        Err(Obstacle::Failed(error)) => return Err(error),
                        _ => surveyed = true,
                    },
                }
            }
        }
    }
}

enum Outcome {
    Found(u64),
    NotHere,
    Damage(u64),
}

fn walk(inner: &Inner, segment: &Segment, from: Landmark, stop: u64, time: Timestamp) -> io::Result<Outcome> {
    let file = inner.shelf.file(&segment.path)?;
    let mut window = Window::new(&*file, segment.bytes(), PIECE_BYTES, Mode::Waiting);
    let mut previous = None;
    let Landmark { mut offset, mut at } = from;
    while offset < stop {
        match head_at(&mut window, segment.salt, at, &mut previous)? {
            Some(head) if head.first == offset && head.received_at >= time => {
                return Ok(Outcome::Found(offset));
            }
            Some(head) if head.first == offset => {
                offset = head.end();
                at += head.bytes();
            }
            _ => return Ok(Outcome::Damage(offset)),
        }
    }
    Ok(Outcome::NotHere)
}
