//! The account of a survey: which offsets were seen, which are missing, and of which streams those were.
//!
//! A stream's missing events lie between two sightings of it, so they are laid to the gaps between the two. Where
//! several gaps compete, the older is filled first: each stream's sum is exact, and so is each gap's.

use std::collections::BTreeMap;
use std::ops::Range;

use weir_core::event::Stream;

use super::block::BlockHead;
use super::shelf::Segment;
use super::survey::{Ending, Gap, Survey};

pub(super) struct Tally<'a> {
    segment: &'a Segment,
    survey: Survey,
    gaps: Vec<Open>,
    seen: BTreeMap<Stream, Sighting>,
    junk: Option<(u64, Option<Stream>)>,
    intact_end: u64,
    unfinished: Option<Unfinished>,
}

/// A gap whose streams may not all be known yet.
struct Open {
    gap: Gap,
    unexplained: u64,
    hint: Option<Stream>,
}

/// How many events of a stream there were when it was last seen, and how many gaps.
struct Sighting {
    count: u64,
    gaps: usize,
}

/// An entry whose last block has not been seen.
struct Unfinished {
    at: u64,
    first: u64,
    stream: Stream,
    blocks: u64,
    events: u64,
}

impl<'a> Tally<'a> {
    pub(super) fn new(segment: &'a Segment) -> Self {
        let opening = segment.opening.iter().flatten();
        let seen = opening.map(|(stream, count)| (stream.clone(), Sighting { count: *count, gaps: 0 }));
        let survey = Survey { end: segment.base, position: segment.blocks_at, ..Survey::default() };
        Self {
            segment,
            survey,
            gaps: Vec::new(),
            seen: seen.collect(),
            junk: None,
            intact_end: segment.base,
            unfinished: None,
        }
    }

    /// The first offset that has not been accounted for.
    pub(super) fn end(&self) -> u64 {
        self.survey.end
    }

    /// The byte after the last intact block.
    pub(super) fn position(&self) -> u64 {
        self.survey.position
    }

    /// There is no block here.
    pub(super) fn junk(&mut self, at: u64, hint: Option<Stream>) {
        self.junk.get_or_insert((at, hint));
    }

    /// Here stands a block; `whole` where its payload is good, too.
    pub(super) fn block(&mut self, at: u64, head: &BlockHead, whole: bool) {
        if let Some((from, hint)) = self.junk.take() {
            self.open_gap(from..at, head.first, hint);
        }
        let known = self.seen.contains_key(&head.stream) || self.segment.opening.is_some();
        let missing = head.sequence.saturating_sub(self.count(&head.stream));
        if known {
            self.explain(&head.stream, missing);
        }
        if whole {
            self.intact(at, head);
        } else {
            let parts = vec![(head.stream.clone(), u64::from(head.count))];
            let bytes = at..at + head.bytes();
            self.push(Gap { first: head.first, end: head.end(), parts, bytes }, None);
        }
        let count = head.sequence + u64::from(head.count);
        self.seen.insert(head.stream.clone(), Sighting { count, gaps: self.gaps.len() });
        self.survey.end = head.end();
    }

    fn intact(&mut self, at: u64, head: &BlockHead) {
        let survey = &mut self.survey;
        survey.position = at + head.bytes();
        self.intact_end = head.end();
        survey.blocks += 1;
        survey.events += u64::from(head.count);
        survey.received_max = survey.received_max.max(Some(head.received_at));
        // After damage it cannot be told whether this goes on with the entry before it; what was acknowledged must
        // not be taken back, so it counts as a new one.
        let interrupted = self.gaps.last().is_some_and(|open| open.gap.end == head.first);
        let before = self.unfinished.take().filter(|before| !interrupted && before.stream == head.stream);
        if head.last {
            return;
        }
        let entry = self.unfinished.insert(before.unwrap_or_else(|| Unfinished {
            at,
            first: head.first,
            stream: head.stream.clone(),
            blocks: 0,
            events: 0,
        }));
        entry.blocks += 1;
        entry.events += u64::from(head.count);
    }

    fn count(&self, stream: &Stream) -> u64 {
        self.seen.get(stream).map_or(0, |sighting| sighting.count)
    }

    fn open_gap(&mut self, bytes: Range<u64>, end: u64, hint: Option<Stream>) {
        let first = self.survey.end;
        self.push(Gap { first, end, parts: Vec::new(), bytes }, hint);
    }

    fn push(&mut self, gap: Gap, hint: Option<Stream>) {
        let explained: u64 = gap.parts.iter().map(|(_, count)| count).sum();
        let unexplained = gap.end - gap.first - explained;
        self.gaps.push(Open { gap, unexplained, hint });
    }

    /// Lays missing events of a stream to the gaps since it was last seen.
    fn explain(&mut self, stream: &Stream, mut missing: u64) {
        let since = self.seen.get(stream).map_or(0, |sighting| sighting.gaps);
        for open in &mut self.gaps[since..] {
            let count = missing.min(open.unexplained);
            open.lay(stream, count);
            missing -= count;
        }
    }

    /// Closes the account. `written` is the byte after the last that is not zero.
    pub(super) fn finish(mut self, ending: Ending, written: u64) -> Survey {
        match ending {
            Ending::Unknown => self.cut_torn_tail(written),
            Ending::Known { end, accepted } => self.close_at(end, accepted, written),
        }
        self.guess_unexplained();
        self.survey.accepted =
            self.seen.into_iter().map(|(stream, sighting)| (stream, sighting.count)).collect();
        self.survey.accepted.retain(|_, count| *count > 0);
        self.survey.gaps = merge(self.gaps.into_iter().map(|open| open.gap));
        self.survey
    }

    /// At the end of a log that was not closed, nothing may tell which stream the last missing events were of. What
    /// can be made out of the damaged head decides; the sum is exact all the same.
    fn guess_unexplained(&mut self) {
        for open in self.gaps.iter_mut().filter(|open| open.unexplained > 0) {
            let known = |stream: &Stream| self.seen.keys().find(|known| alike(known, stream)).cloned();
            let hinted = open.hint.take().map(|hint| known(&hint).unwrap_or(hint));
            let guess =
                hinted.or_else(|| self.seen.keys().next().cloned()).or_else(|| Stream::new("unknown"));
            let Some(stream) = guess else { continue };
            let count = open.unexplained;
            open.lay(&stream, count);
            self.seen.entry(stream).or_insert(Sighting { count: 0, gaps: 0 }).count += count;
        }
    }

    /// What is broken at the end was never finished, and neither was an entry whose last block is not there.
    fn cut_torn_tail(&mut self, written: u64) {
        if let Some(entry) = self.unfinished.take() {
            self.survey.position = entry.at;
            self.intact_end = entry.first;
            self.survey.blocks -= entry.blocks;
            self.survey.events -= entry.events;
            self.take_back(&entry.stream, entry.events);
        }
        let position = self.survey.position;
        while let Some(open) = self.gaps.pop_if(|open| open.gap.bytes.start >= position) {
            for (stream, count) in open.gap.parts {
                self.take_back(&stream, count);
            }
        }
        self.survey.end = self.intact_end;
        self.survey.torn = (written > position).then_some(position..written);
    }

    fn close_at(&mut self, end: u64, accepted: Option<BTreeMap<Stream, u64>>, written: u64) {
        if self.survey.end < end {
            let (from, hint) = self.junk.take().unwrap_or((self.survey.position, None));
            let bytes = from..written.max(from);
            self.open_gap(bytes, end, hint);
            self.survey.end = end;
        }
        for (stream, count) in accepted.into_iter().flatten() {
            let missing = count.saturating_sub(self.count(&stream));
            if self.segment.opening.is_some() || self.seen.contains_key(&stream) {
                self.explain(&stream, missing);
            }
            self.seen.insert(stream, Sighting { count, gaps: self.gaps.len() });
        }
    }

    fn take_back(&mut self, stream: &Stream, count: u64) {
        if let Some(sighting) = self.seen.get_mut(stream) {
            sighting.count = sighting.count.saturating_sub(count);
        }
    }
}

impl Open {
    fn lay(&mut self, stream: &Stream, count: u64) {
        if count == 0 {
            return;
        }
        self.unexplained -= count;
        match self.gap.parts.iter_mut().find(|(known, _)| known == stream) {
            Some((_, sum)) => *sum += count,
            None => self.gap.parts.push((stream.clone(), count)),
        }
    }
}

/// Whether one name may be the other with a byte or two turned.
fn alike(one: &Stream, other: &Stream) -> bool {
    let (one, other) = (one.as_str().as_bytes(), other.as_str().as_bytes());
    one.len() == other.len() && one.iter().zip(other).filter(|(a, b)| a != b).count() <= 2
}

/// Makes one of gaps that touch.
fn merge(gaps: impl Iterator<Item = Gap>) -> Vec<Gap> {
    let mut merged: Vec<Gap> = Vec::new();
    for gap in gaps {
        match merged.last_mut() {
            Some(last) if last.end == gap.first && last.bytes.end == gap.bytes.start => {
                last.end = gap.end;
                last.bytes.end = gap.bytes.end;
                last.parts.extend(gap.parts);
            }
            _ => merged.push(gap),
        }
    }
    merged
}
