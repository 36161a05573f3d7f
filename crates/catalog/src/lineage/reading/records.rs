//! A trace's records, page by page.

use std::ops::ControlFlow;

use weir_core::lineage::{PageLimits, RecordChoice, RecordPage, RecordType, TelemetryRecord};
use weir_core::time::Timestamp;

use super::names::NameReader;
use crate::lineage::block::{Item, decode};
use crate::lineage::bytes::Damaged;
use crate::lineage::record_body::{Opened, Texts};
use crate::lineage::record_item::{RecordItem, moment_key};
use crate::lineage::row::TraceRow;
use crate::lineage::shelf::{Blocks, Part, Place};

/// A page of records. The place where it ends is the key of its last one.
pub fn records<B: Blocks>(
    blocks: &mut B,
    row: &TraceRow,
    choice: Choice,
    after: Option<&[u8]>,
    limits: PageLimits,
) -> Result<RecordPage, B::Error> {
    let mut page =
        Page { choice, after, limits, met: Vec::new(), size_bytes: 0, end: Vec::new(), is_cut: false };
    let place = Place { trace: row.id, part: Part::Records };
    let beyond = page.choice.beyond();
    if page.choice.latest_first {
        blocks.each_back(place, after.or(beyond.as_deref()), &mut |block| {
            let items = decode::<RecordItem>(block)?;
            Ok(page.take(items.into_iter().rev(), &row.key)?)
        })?;
    } else {
        blocks.each(place, after.or(beyond.as_deref()).unwrap_or_default(), &mut |block| {
            let items = decode::<RecordItem>(block)?;
            Ok(page.take(items.into_iter(), &row.key)?)
        })?;
    }
    let next = page.is_cut.then_some(page.end);
    let mut names = InTrace { blocks, names: NameReader::new(row.id) };
    let records = page.met.into_iter().map(|opened| opened.record(&mut names));
    Ok(RecordPage { records: records.collect::<Result<Vec<TelemetryRecord>, _>>()?, next })
}

/// Which records are meant, by the numbers of a node's names.
pub struct Choice {
    logs_only: bool,
    node: Option<Vec<u32>>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    latest_first: bool,
}

impl Choice {
    /// The choice, where `numbers` are those of the node's names.
    pub fn new(choice: RecordChoice, numbers: Option<Vec<u32>>) -> Self {
        let RecordChoice { logs_only, from, to, latest_first, .. } = choice;
        Self { logs_only, node: numbers, from, to, latest_first }
    }

    /// A key that lies between what is meant and what comes before it, in the order of reading.
    fn beyond(&self) -> Option<Vec<u8>> {
        let edge = if self.latest_first { self.to } else { self.from };
        edge.map(|at| moment_key(at.as_micros()).to_vec())
    }

    /// Whether this moment comes before those that are meant, or after them, in the order of reading.
    fn is_outside(&self, at: i64) -> Option<Outside> {
        let is_early = self.from.is_some_and(|from| at < from.as_micros());
        let is_late = self.to.is_some_and(|to| at >= to.as_micros());
        match (is_early, is_late) {
            (false, false) => None,
            (true, _) if self.latest_first => Some(Outside::After),
            (true, _) => Some(Outside::Before),
            (false, true) if self.latest_first => Some(Outside::Before),
            (false, true) => Some(Outside::After),
        }
    }

    fn takes(&self, opened: &Opened) -> bool {
        (!self.logs_only || opened.record_type == RecordType::Log)
            && self.node.as_ref().is_none_or(|numbers| opened.body.names(numbers))
    }
}

/// Where a moment lies that is not meant.
enum Outside {
    /// What is meant is still to come.
    Before,
    /// Nothing that is meant can come any more.
    After,
}

struct Page<'a> {
    choice: Choice,
    after: Option<&'a [u8]>,
    limits: PageLimits,
    met: Vec<Opened>,
    size_bytes: usize,
    /// The key of the last one that was met.
    end: Vec<u8>,
    is_cut: bool,
}

/// About what a record's JSON has beyond its body: names, moment, braces.
const JSON_EXTRA_BYTES: usize = 150;

impl Page<'_> {
    fn take(
        &mut self,
        items: impl Iterator<Item = RecordItem>,
        trace: &str,
    ) -> Result<ControlFlow<()>, Damaged> {
        for item in items {
            if self.is_before(&item) {
                continue;
            }
            match self.choice.is_outside(item.at) {
                None => {}
                Some(Outside::Before) => continue,
                Some(Outside::After) => return Ok(ControlFlow::Break(())),
            }
            let opened = Opened::of(&item, trace)?;
            if !self.choice.takes(&opened) {
                continue;
            }
            let size_bytes = item.body.len() + JSON_EXTRA_BYTES;
            let is_full = self.met.len() == self.limits.max_records
                || self.size_bytes + size_bytes > self.limits.max_bytes;
            if is_full && !self.met.is_empty() {
                self.is_cut = true;
                return Ok(ControlFlow::Break(()));
            }
            self.size_bytes += size_bytes;
            self.met.push(opened);
            self.end = item.key();
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Whether the item was on an earlier page.
    fn is_before(&self, item: &RecordItem) -> bool {
        let Some(after) = self.after else { return false };
        match self.choice.latest_first {
            false => item.key().as_slice() <= after,
            true => item.key().as_slice() >= after,
        }
    }
}

struct InTrace<'b, B> {
    blocks: &'b mut B,
    names: NameReader,
}

impl<B: Blocks> Texts for InTrace<'_, B> {
    type Error = B::Error;

    fn text(&mut self, number: u32) -> Result<Box<str>, B::Error> {
        let item = self.names.item(self.blocks, number)?;
        Ok(item.word().unwrap_or(&item.name).into())
    }
}
