//! Damage met while reading: found out in full, set aside byte for byte, told to whoever watches.

use std::io::{self, IoSlice};
use std::path::PathBuf;
use std::sync::Arc;

use super::disk::{read_full, write_full};
use super::health::refused;
use super::inner::{Inner, lock};
use super::read::Obstacle;
use super::shelf::Segment;
use super::survey::{Ending, Gap, Survey, survey};
use super::window::{Mode, Window};

/// The folder for damaged bytes, in the log's own.
pub(super) const DAMAGED_DIR: &str = "damaged";
const PIECE_BYTES: usize = 1 << 20;

/// Surveys a segment in which a reader met something it could not read, and keeps what it finds.
pub(super) fn find(inner: &Inner, segment: &Arc<Segment>) -> Result<(), Obstacle> {
    let before = segment.survey();
    let _one_at_a_time = lock(&inner.surveying);
    let unchanged = match (&before, &segment.survey()) {
        (None, None) => true,
        (Some(before), Some(now)) => Arc::ptr_eq(before, now),
        _ => false,
    };
    if unchanged {
        let found = survey_now(inner, segment)
            .map_err(|error| Obstacle::Failed(refused(format!("the log cannot be read: {error}"))))?;
        report(inner, segment, &found);
        segment.keep_survey(Arc::new(found));
    }
    Ok(())
}

fn survey_now(inner: &Inner, segment: &Segment) -> io::Result<Survey> {
    let file = inner.disk.open(&segment.path)?;
    // A device that gives nothing at all is away, not damaged.
    read_full(&*file, &mut [0; 16], 0)?;
    // What is published first: if there is no successor after that, the segment held all of it.
    let published = inner.published().clone();
    let next = inner.shelf.find(segment.base).and_then(|(_, next)| next);
    let ending = match next {
        Some(next) => Ending::Known { end: next.base, accepted: next.opening.clone() },
        None => Ending::Known { end: published.end, accepted: Some(published.accepted) },
    };
    survey(segment, &*file, segment.bytes(), ending, |_| {})
}

/// Sets aside what was not known before, and says so.
pub(super) fn report(inner: &Inner, segment: &Segment, found: &Survey) {
    let before = segment.survey();
    let known = |gap: &Gap| before.as_ref().is_some_and(|before| before.gaps.contains(gap));
    for gap in found.gaps.iter().filter(|gap| !known(gap)) {
        inner.observer.corrupt_block();
        let outcome = set_aside(inner, segment, gap);
        let events = gap.end - gap.first;
        let detail = describe(segment, gap);
        match outcome {
            Ok(()) => tracing::error!(events, first_offset = gap.first, "{detail}"),
            Err(error) => {
                tracing::error!(events, first_offset = gap.first, %error, "{detail}, but it could not be copied");
            }
        }
    }
}

/// What happened, for a person. The same for the same damage.
pub(super) fn describe(segment: &Segment, gap: &Gap) -> String {
    format!(
        "{} bytes from byte {} of {} are damaged and set aside in {DAMAGED_DIR}/{}",
        gap.bytes.end - gap.bytes.start,
        gap.bytes.start,
        file_name(segment),
        aside_name(segment, gap),
    )
}

fn file_name(segment: &Segment) -> String {
    segment.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn aside_name(segment: &Segment, gap: &Gap) -> String {
    format!("{:020}-{}.bin", segment.base, gap.bytes.start)
}

fn aside_path(inner: &Inner, segment: &Segment, gap: &Gap) -> PathBuf {
    inner.settings.dir.join(DAMAGED_DIR).join(aside_name(segment, gap))
}

fn set_aside(inner: &Inner, segment: &Segment, gap: &Gap) -> io::Result<()> {
    let path = aside_path(inner, segment, gap);
    if path.exists() {
        return Ok(());
    }
    std::fs::create_dir_all(inner.settings.dir.join(DAMAGED_DIR))?;
    let file = inner.disk.open(&segment.path)?;
    let copy = inner.disk.create(&path)?;
    let mut window = Window::new(&*file, gap.bytes.end, PIECE_BYTES, Mode::Salvaging);
    let mut at = gap.bytes.start;
    while at < gap.bytes.end {
        let piece = window.piece(at)?;
        if piece.is_empty() {
            break;
        }
        write_full(&*copy, &mut [IoSlice::new(piece)], at - gap.bytes.start)?;
        at += piece.len() as u64;
    }
    copy.sync()
}
