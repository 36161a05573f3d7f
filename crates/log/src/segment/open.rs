//! Start: which segments there are, where the events end, and what of the last write was never finished.
//!
//! Only the last segment is gone through; of the others only the heads are read. So the time it takes does not grow
//! with what is pending.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use weir_core::event::Stream;
use weir_core::time::Timestamp;

use super::disk::Disk;
use super::folder;
use super::header::{Head, SegmentHeader, VERSION, read_head, salt};
use super::marker;
use super::report::{OpenReport, Torn, damaged};
use super::settings::{LogSettings, OpenError};
use super::shelf::{Beginning, Segment};
use super::survey::{Ending, Survey, head_at, survey};
use super::window::{Mode, Window};

/// A log as it was found on disk.
pub(super) struct Opened {
    pub log_id: [u8; 16],
    pub segments: VecDeque<Arc<Segment>>,
    /// The offset that the next event gets.
    pub end: u64,
    pub accepted: BTreeMap<Stream, u64>,
    pub received_max: Option<Timestamp>,
    /// Where the last segment can be written on; `None` where it must not be.
    pub resume_at: Option<u64>,
    /// What was found out about the last segment.
    pub last: Option<Survey>,
    pub report: OpenReport,
}

/// Looks at what is there, and changes nothing but for making the log's id.
pub(super) fn open(settings: &LogSettings, disk: &dyn Disk) -> Result<Opened, OpenError> {
    let dir = &settings.dir;
    let bases = folder::segment_bases(dir)?;
    let mut heads = Vec::with_capacity(bases.len());
    for base in bases {
        heads.push(Found::read(disk, dir, base)?);
    }
    let known_id = heads.iter().find_map(|found| Some(found.header.as_ref()?.log_id));
    let log_id = folder::log_id(disk, dir, known_id)?;
    let marker = marker::read(disk, dir).filter(|marker| marker.log_id == log_id);
    let report = OpenReport {
        heads_damaged: heads.iter().filter(|found| found.damaged).map(|found| found.path.clone()).collect(),
        closed_well: marker.is_some(),
        ..OpenReport::default()
    };
    let mut opened = Opened {
        log_id,
        segments: shelve(disk, heads, &log_id),
        end: 0,
        accepted: BTreeMap::new(),
        received_max: None,
        resume_at: None,
        last: None,
        report,
    };
    opened.find_end(disk, marker, settings.continue_at.0)?;
    Ok(opened)
}

impl Opened {
    fn find_end(
        &mut self,
        disk: &dyn Disk,
        marker: Option<SegmentHeader>,
        continue_at: u64,
    ) -> Result<(), OpenError> {
        self.end = continue_at;
        if let Some(last) = self.segments.back().cloned() {
            let found = self.survey_last(disk, &last, marker, continue_at);
            let found = found.map_err(OpenError::io("read", &last.path))?;
            self.end = found.end;
            self.accepted = self.accepted_by(&found);
            self.received_max = Some(last.received_max()).max(found.received_max);
            last.grow(found.position, self.received_max.unwrap_or_default());
            self.tell(&last, &found);
            self.last = Some(found);
        }
        self.report.segments = self.segments.len();
        self.report.bytes = self.segments.iter().map(|segment| segment.bytes()).sum();
        self.report.end = self.end;
        Ok(())
    }

    fn survey_last(
        &mut self,
        disk: &dyn Disk,
        last: &Segment,
        marker: Option<SegmentHeader>,
        continue_at: u64,
    ) -> io::Result<Survey> {
        let file = disk.open_to_write(&last.path).or_else(|_| disk.open(&last.path))?;
        // What was written but not synced is made durable now, or is found missing now: what the system only
        // believes to be on the device must not be given out and then be gone.
        let synced = file.sync().is_ok();
        let _ = file.forget_cached();
        let look = |ending| survey(last, &*file, last.bytes(), ending, |_| {});
        let found = look(Ending::Unknown)?;
        self.report.left_out = continue_at.saturating_sub(found.end);
        // The note of an orderly end, or what others have seen, may reach beyond what is whole.
        let end = marker.as_ref().map_or(0, |marker| marker.base).max(continue_at);
        let noted = marker.filter(|marker| marker.base == end).map(|marker| marker.accepted);
        if end > found.end || (noted.is_some() && end == found.end && !found.gaps.is_empty()) {
            return look(Ending::Known { end, accepted: noted });
        }
        let sound = found.gaps.is_empty() && last.opening.is_some() && synced;
        self.resume_at = sound.then_some(found.position);
        Ok(found)
    }

    /// Counts never fall: where the last segment's head is lost, the one before still tells most of them.
    fn accepted_by(&self, found: &Survey) -> BTreeMap<Stream, u64> {
        let mut accepted = found.accepted.clone();
        for opening in self.segments.iter().filter_map(|segment| segment.opening.as_ref()) {
            for (stream, count) in opening {
                let sum = accepted.entry(stream.clone()).or_default();
                *sum = (*sum).max(*count);
            }
        }
        accepted
    }

    fn tell(&mut self, last: &Segment, found: &Survey) {
        self.report.torn = found.torn.as_ref().map(|torn| Torn {
            file: last.path.clone(),
            byte_offset: torn.start,
            bytes: torn.end - torn.start,
        });
        self.report.damaged = damaged(&last.path, found);
    }
}

/// A segment file and its head.
pub(super) struct Found {
    pub base: u64,
    pub path: PathBuf,
    pub bytes: u64,
    pub header: Option<SegmentHeader>,
    pub blocks_at: u64,
    pub damaged: bool,
}

impl Found {
    pub(super) fn read(disk: &dyn Disk, dir: &Path, base: u64) -> Result<Self, OpenError> {
        let path = dir.join(super::inner::segment_name(base));
        let read = || {
            let file = disk.open(&path)?;
            Ok((read_head(&*file)?, file.length()?))
        };
        let (head, bytes) = read().map_err(OpenError::io("read", &path))?;
        let found = Self { base, path, bytes, header: None, blocks_at: 0, damaged: true };
        match head {
            Head::Good { header, blocks_at, mended } if header.base == base => {
                Ok(Self { header: Some(header), blocks_at, damaged: mended, ..found })
            }
            Head::Foreign(version) => Err(OpenError::Version { file: found.path, version, known: VERSION }),
            _ => Ok(found),
        }
    }
}

/// Makes segments of the files. Each one's latest time is told by the head of the next.
pub(super) fn shelve(disk: &dyn Disk, heads: Vec<Found>, log_id: &[u8; 16]) -> VecDeque<Arc<Segment>> {
    let mut latest: VecDeque<Option<Timestamp>> = heads
        .iter()
        .skip(1)
        .map(|next| match &next.header {
            Some(header) => header.received_max,
            // Not known: it may hold any time.
            None => Some(Timestamp::from_micros(i64::MAX)),
        })
        .collect();
    latest.push_back(heads.last().and_then(|last| last.header.as_ref()?.received_max));
    let mut segments: VecDeque<Arc<Segment>> = VecDeque::with_capacity(heads.len());
    for (found, received_max) in heads.into_iter().zip(latest) {
        let bytes = found.bytes;
        let salt = salt(found.header.as_ref().map_or(log_id, |header| &header.log_id), found.base);
        let begun_at = begun_at(disk, &found, salt);
        let Found { base, path, blocks_at, header, .. } = found;
        let counts = header.map(|header| header.accepted);
        let opening = counts.or_else(|| counts_before(disk, segments.back().map(|before| &**before), base));
        let beginning = Beginning { base, path, salt, blocks_at, opening, begun_at };
        segments.push_back(Arc::new(Segment::new(beginning, bytes, received_max)));
    }
    segments
}

/// What a lost head would have told: events by stream up to `base`, from the segment before it.
fn counts_before(disk: &dyn Disk, before: Option<&Segment>, base: u64) -> Option<BTreeMap<Stream, u64>> {
    if base == 0 {
        return Some(BTreeMap::new());
    }
    let before = before.filter(|before| before.opening.is_some())?;
    let file = disk.open(&before.path).ok()?;
    let ending = Ending::Known { end: base, accepted: None };
    Some(survey(before, &*file, before.bytes(), ending, |_| {}).ok()?.accepted)
}

/// When the segment's first event came in; when the segment was made, if there is none or it is damaged.
fn begun_at(disk: &dyn Disk, found: &Found, salt: u32) -> Timestamp {
    let first = || {
        let file = disk.open(&found.path).ok()?;
        let mut window = Window::new(&*file, found.bytes, 0, Mode::Waiting);
        let head = head_at(&mut window, salt, found.blocks_at, &mut None).ok()??;
        Some(head.received_at)
    };
    first().or_else(|| Some(found.header.as_ref()?.created_at)).unwrap_or_default()
}
