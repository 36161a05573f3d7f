//! A trace's records, in an order that hangs on them alone.
//!
//! The store gives them by moment and `seq`, and those of one moment and `seq` in an order of its own: these are held back until all
//! of them are there.

use weir_core::lineage::{LineageStore, PageLimits, RecordChoice, RecordPlace, TelemetryRecord};
use weir_core::time::Timestamp;

use super::TelemetryPlace;
use super::traces::Found;
use crate::exports::error::ExportError;

const PAGE: PageLimits = PageLimits { max_records: 1_000, max_bytes: 4 << 20 };
/// Records of one moment and `seq` that are more pages than this stand in pieces, each in order.
const HELD_MAX_PAGES: usize = 16;

/// Some records, in order.
pub struct Batch {
    /// Those that are meant.
    pub records: Vec<TelemetryRecord>,
    /// From where on the store gives these again.
    pub from: Option<RecordPlace>,
}

/// Reads a trace.
pub struct Reading<'a> {
    lineage: &'a dyn LineageStore,
    found: &'a Found,
    choice: RecordChoice,
    next: Option<RecordPlace>,
    is_over: bool,
    held: Vec<TelemetryRecord>,
    held_from: Option<RecordPlace>,
    held_pages: usize,
    /// Up to this one they were read before.
    after: Option<TelemetryRecord>,
}

impl<'a> Reading<'a> {
    /// From the beginning, or from where a part ended.
    pub fn new(
        lineage: &'a dyn LineageStore,
        found: &'a Found,
        start: Option<TelemetryPlace>,
    ) -> Result<Self, ExportError> {
        let choice = RecordChoice { from: found.from, to: found.to, ..RecordChoice::default() };
        let (next, after) = start.map(|place| (place.from, place.after)).unwrap_or_default();
        let read = |line: String| TelemetryRecord::read(&line);
        let after = after.map(read).transpose();
        let damaged = |fault: weir_core::formats::Fault| {
            ExportError::Broken(format!("the place where a part ended is no record: {}", fault.detail))
        };
        Ok(Self {
            lineage,
            found,
            choice,
            next,
            is_over: false,
            held: Vec::new(),
            held_from: None,
            held_pages: 0,
            after: after.map_err(damaged)?,
        })
    }

    /// The next records; nothing at the end. There may be none although there are more.
    pub async fn next(&mut self) -> Result<Option<Batch>, ExportError> {
        while !self.is_over {
            let place = self.next.take();
            let page = self.lineage.records(self.found.trace, self.choice, place.clone(), PAGE).await?;
            self.next = page.next;
            self.is_over = self.next.is_none();
            if self.held.is_empty() {
                self.held_from.clone_from(&place);
                self.held_pages = 0;
            }
            self.held_pages += 1;
            self.held.extend(page.records);
            if let Some(batch) = self.taken(place) {
                return Ok(Some(batch));
            }
        }
        if self.held.is_empty() {
            return Ok(None);
        }
        let (records, from) = (std::mem::take(&mut self.held), self.held_from.take());
        Ok(Some(self.batch(records, from)))
    }

    /// What of the held records cannot be followed by one that belongs before them.
    fn taken(&mut self, place: Option<RecordPlace>) -> Option<Batch> {
        if self.is_over {
            return None;
        }
        let last = self.held.last().map(moment)?;
        let end = match self.held.partition_point(|record| moment(record) < last) {
            0 if self.held_pages < HELD_MAX_PAGES => return None,
            0 => self.held.len(),
            end => end,
        };
        let rest = self.held.split_off(end);
        let records = std::mem::replace(&mut self.held, rest);
        let from = std::mem::replace(&mut self.held_from, place);
        self.held_pages = 1;
        Some(self.batch(records, from))
    }

    fn batch(&mut self, mut records: Vec<TelemetryRecord>, from: Option<RecordPlace>) -> Batch {
        records.sort_unstable();
        if let Some(after) = self.after.take() {
            let known = records.partition_point(|record| *record <= after);
            // All of them were read before; so may be some of those that follow.
            self.after = (known == records.len()).then_some(after);
            records.drain(..known);
        }
        records.retain(|record| self.found.selection.takes(record));
        Batch { records, from }
    }
}

fn moment(record: &TelemetryRecord) -> (Timestamp, Option<u64>) {
    (record.created_at, record.seq)
}
