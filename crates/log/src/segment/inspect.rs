//! Looking at a log that no process uses: what is in it, and whether all of it is sound. Nothing is changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use weir_core::event::Stream;
use weir_core::time::Timestamp;

use super::damage::DAMAGED_DIR;
use super::disk::{Disk, LocalDisk};
use super::folder;
use super::marker;
use super::open::{Found, shelve};
use super::report::{Damaged, Torn, damaged};
use super::settings::OpenError;
use super::survey::{Ending, survey};

/// What a log is made of.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// The log's id.
    pub log_id: Option<String>,
    /// Whether it was closed in good order.
    pub closed_well: bool,
    /// Bytes of all segments.
    pub bytes: u64,
    /// The segments, oldest first.
    pub segments: Vec<SegmentInspection>,
    /// Files with damaged bytes that were set aside.
    pub set_aside: Vec<PathBuf>,
}

/// What a segment says of itself.
#[derive(Clone, Debug, Serialize)]
pub struct SegmentInspection {
    /// The file.
    pub file: PathBuf,
    /// The first offset.
    pub first_offset: u64,
    /// The first offset of the next segment; `None` for the last, whose end only reading it can tell.
    pub end_offset: Option<u64>,
    /// The file's bytes, reserved space included.
    pub bytes: u64,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// Events accepted before it, by stream.
    pub accepted_before: BTreeMap<String, u64>,
    /// Whether a copy of its head is damaged.
    pub head_damaged: bool,
}

/// Whether a log is sound.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Verification {
    /// Segments gone through.
    pub segments: usize,
    /// Intact blocks.
    pub blocks: u64,
    /// Intact events.
    pub events: u64,
    /// Bytes gone through.
    pub bytes: u64,
    /// The offset that the next event will get.
    pub end: u64,
    /// Damaged places.
    pub damaged: Vec<Damaged>,
    /// Segment files with a damaged head.
    pub heads_damaged: Vec<PathBuf>,
    /// The end of a write that was never finished; harmless.
    pub torn: Option<Torn>,
}

impl Verification {
    /// Whether every acknowledged event is there.
    pub fn is_sound(&self) -> bool {
        self.damaged.is_empty() && self.heads_damaged.is_empty()
    }
}

/// Tells what is there, from the heads of the segments alone.
pub fn inspect(dir: &Path) -> Result<Inspection, OpenError> {
    let disk = LocalDisk;
    let _lock = folder::lock(dir)?;
    let found = heads(&disk, dir)?;
    let ends = found.iter().skip(1).map(|next| Some(next.base)).chain([None]);
    let segments: Vec<SegmentInspection> =
        found.iter().zip(ends).map(|(found, end)| describe(found, end)).collect();
    Ok(Inspection {
        log_id: folder::read_log_id(&disk, dir)
            .map(|id| id.iter().map(|byte| format!("{byte:02x}")).collect()),
        closed_well: marker::read(&disk, dir).is_some(),
        bytes: segments.iter().map(|segment| segment.bytes).sum(),
        segments,
        set_aside: set_aside(dir),
    })
}

fn describe(found: &Found, end_offset: Option<u64>) -> SegmentInspection {
    let accepted = found.header.iter().flat_map(|header| &header.accepted);
    SegmentInspection {
        file: found.path.clone(),
        first_offset: found.base,
        end_offset,
        bytes: found.bytes,
        created_at: found.header.as_ref().map(|header| header.created_at),
        accepted_before: accepted.map(|(stream, count)| (stream.as_str().to_owned(), *count)).collect(),
        head_damaged: found.damaged,
    }
}

/// Reads and checks every block. `progress` hears of bytes gone through, and of how many there are in all.
pub fn verify(dir: &Path, mut progress: impl FnMut(u64, u64)) -> Result<Verification, OpenError> {
    let disk = LocalDisk;
    let _lock = folder::lock(dir)?;
    let found = heads(&disk, dir)?;
    let known_id = found.iter().find_map(|found| Some(found.header.as_ref()?.log_id));
    let log_id = folder::read_log_id(&disk, dir).or(known_id).unwrap_or_default();
    let marker = marker::read(&disk, dir);
    let mut verification = Verification {
        segments: found.len(),
        bytes: found.iter().map(|found| found.bytes).sum(),
        heads_damaged: found.iter().filter(|found| found.damaged).map(|found| found.path.clone()).collect(),
        ..Verification::default()
    };
    let total = verification.bytes;
    let segments = shelve(&disk, found, &log_id);
    for (index, segment) in segments.iter().enumerate() {
        let known = |end: u64, accepted: Option<&BTreeMap<Stream, u64>>| Ending::Known {
            end,
            accepted: accepted.cloned(),
        };
        let ending = match (segments.get(index + 1), &marker) {
            (Some(next), _) => known(next.base, next.opening.as_ref()),
            (None, Some(marker)) => known(marker.base, Some(&marker.accepted)),
            (None, None) => Ending::Unknown,
        };
        let look = || {
            let file = disk.open(&segment.path)?;
            survey(segment, &*file, segment.bytes(), ending, |bytes| progress(bytes, total))
        };
        let found = look().map_err(OpenError::io("read", &segment.path))?;
        verification.blocks += found.blocks;
        verification.events += found.events;
        verification.end = found.end;
        verification.damaged.extend(damaged(&segment.path, &found));
        let torn = found.torn.map(|torn| Torn {
            file: segment.path.clone(),
            byte_offset: torn.start,
            bytes: torn.end - torn.start,
        });
        verification.torn = torn.or(verification.torn);
    }
    Ok(verification)
}

fn heads(disk: &dyn Disk, dir: &Path) -> Result<Vec<Found>, OpenError> {
    folder::segment_bases(dir)?.into_iter().map(|base| Found::read(disk, dir, base)).collect()
}

fn set_aside(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir.join(DAMAGED_DIR)).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.sort();
    files
}
