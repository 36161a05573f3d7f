//! What people and programs are told of a log's state on disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::survey::{Gap, Survey};

/// What was found at the start.
#[derive(Clone, Debug, Default, Serialize)]
pub struct OpenReport {
    /// An entry that was never finished, and so never acknowledged: it was cut off.
    pub torn: Option<Torn>,
    /// Damage in the last segment, set aside; what is intact around it is there.
    pub damaged: Vec<Damaged>,
    /// Segment files whose head had to be taken from its second copy, or is lost.
    pub heads_damaged: Vec<PathBuf>,
    /// Segment files.
    pub segments: usize,
    /// Their bytes.
    pub bytes: u64,
    /// The offset after the last event.
    pub end: u64,
    /// Offsets left out, because they have been seen elsewhere with events that the log no longer has.
    pub left_out: u64,
    /// Whether the log was closed in good order.
    pub closed_well: bool,
}

/// The unfinished end of a log.
#[derive(Clone, Debug, Serialize)]
pub struct Torn {
    /// The segment file.
    pub file: PathBuf,
    /// Where it was cut.
    pub byte_offset: u64,
    /// How much was cut off.
    pub bytes: u64,
}

/// A damaged place.
#[derive(Clone, Debug, Serialize)]
pub struct Damaged {
    /// The segment file.
    pub file: PathBuf,
    /// Where the damage begins.
    pub byte_offset: u64,
    /// How far it goes.
    pub bytes: u64,
    /// The first offset that is lost.
    pub first_offset: u64,
    /// How many events are lost, by stream.
    pub lost: BTreeMap<String, u64>,
}

/// A survey's gaps, for people.
pub(super) fn damaged(file: &Path, found: &Survey) -> Vec<Damaged> {
    let tell = |gap: &Gap| {
        let mut lost = BTreeMap::new();
        for (stream, count) in &gap.parts {
            *lost.entry(stream.as_str().to_owned()).or_default() += count;
        }
        Damaged {
            file: file.to_owned(),
            byte_offset: gap.bytes.start,
            bytes: gap.bytes.end - gap.bytes.start,
            first_offset: gap.first,
            lost,
        }
    };
    found.gaps.iter().map(tell).collect()
}
