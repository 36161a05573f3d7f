//! Cuts what a sink takes of the log into batches: by count, by bytes, and by age.
//!
//! **Constraint.** Nothing here waits or asks for the time: the same records and the same calls give the same cuts.

use std::time::Duration;

use crate::event::{Offset, Record};
use crate::log::{Lost, Slice, Unreadable};
use crate::time::Timestamp;

use super::route::{Passage, Route};

/// How large a batch may become, how long it may wait, and how many may be on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// Events in a batch.
    pub max_events: usize,
    /// Bytes of the events' bodies in a batch; an event that is larger makes a batch of its own.
    pub max_bytes: usize,
    /// A batch is closed when its first event has waited so long: since it came in; of a broker's, since it was read.
    pub max_age: Duration,
    /// Batches handed to the sink at once.
    pub in_flight: usize,
    /// Batches that are fixed and not settled, those that wait to be handed over included.
    pub unsettled_max: usize,
    /// Events held in memory for the sink.
    pub buffer_max_events: usize,
    /// Bytes of events held in memory for the sink: their bodies, and what is known of each.
    pub buffer_max_bytes: usize,
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self {
            max_events: 1_000,
            max_bytes: 4 << 20,
            max_age: Duration::from_secs(10),
            in_flight: 10,
            unsettled_max: usize::MAX,
            buffer_max_events: 100_000,
            buffer_max_bytes: 32 << 20,
        }
    }
}

/// A batch before it has a name: all between two offsets that the sink takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// Its first offset.
    pub first: Offset,
    /// The offset after its last.
    pub end: Offset,
    /// What the sink takes of it; may be nothing, where others' events were passed over.
    pub records: Vec<Record>,
    /// Events the sink would have taken, that are no longer readable.
    pub lost: Vec<Lost>,
    /// Events that the sink's filter leaves out.
    pub filtered: u64,
    /// What is no event, for the account that keeps it.
    pub unreadable: Vec<Unreadable>,
    /// Bytes of the records' bodies, and of what is unreadable.
    pub bytes: usize,
}

impl Cut {
    /// Events that the account has to account for.
    pub fn events(&self) -> u64 {
        let lost: u64 = self.lost.iter().map(|lost| lost.count).sum();
        (self.records.len() + self.unreadable.len()) as u64 + self.filtered + lost
    }

    /// Bytes of memory that its events take: of small ones, what is known of each takes as much as its body.
    pub fn memory_bytes(&self) -> usize {
        self.bytes + self.records.len() * size_of::<Record>()
    }

    /// When its first event came in.
    pub fn oldest_at(&self) -> Option<Timestamp> {
        self.records.first().map(|record| record.received_at)
    }
}

/// From when on an event is said to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgesFrom {
    /// Since it came in: so it is known how long it takes to its store.
    Arrival,
    /// Since it was read: what a broker has kept is old already, and as much of it is gathered as of what is new.
    Reading,
}

/// Gathers records until a batch is full.
pub struct Batcher {
    limits: BatchLimits,
    ages_from: AgesFrom,
    open: Cut,
    waiting_since: Option<Timestamp>,
    moving_since: Option<Timestamp>,
    /// The place after the last that held something for this sink.
    concerned_end: Offset,
}

impl Batcher {
    /// Begins at `first`.
    pub fn new(limits: BatchLimits, ages_from: AgesFrom, first: Offset) -> Self {
        Self {
            limits,
            ages_from,
            open: Cut { first, end: first, ..Cut::default() },
            waiting_since: None,
            moving_since: None,
            concerned_end: first,
        }
    }

    /// Where the batch begins that is being gathered.
    pub fn first(&self) -> Offset {
        self.open.first
    }

    /// The place from which to read on.
    pub fn end(&self) -> Offset {
        self.open.end
    }

    /// When the oldest gathered event came in.
    pub fn oldest_at(&self) -> Option<Timestamp> {
        self.open.oldest_at()
    }

    /// Since when the oldest gathered event has waited. Not later than it was gathered, so that a clock that jumped
    /// back makes no event wait longer.
    pub fn waiting_since(&self) -> Option<Timestamp> {
        self.waiting_since
    }

    /// Since when places are passed that are not fixed in a batch, be there something for this sink or not.
    pub fn moving_since(&self) -> Option<Timestamp> {
        self.moving_since
    }

    /// How many places in a row held nothing for this sink.
    pub fn passed_over(&self) -> u64 {
        self.open.end.0.saturating_sub(self.concerned_end.0)
    }

    /// Bytes of memory that what is gathered takes.
    pub fn memory_bytes(&self) -> usize {
        self.open.memory_bytes()
    }

    /// Events gathered since the last cut that the account has to account for.
    pub fn events(&self) -> u64 {
        self.open.events()
    }

    /// Takes in what was read, in order. Gives back the batch before this record where the record did not fit.
    pub fn offer(&mut self, record: Record, route: &Route, now: Timestamp) -> Option<Cut> {
        let next = record.offset.next();
        let passage = route.passage(&record);
        if passage != Passage::Taken {
            self.moving_since.get_or_insert(now);
            self.open.end = next;
            if passage == Passage::LeftOut {
                // It is accounted for with the batch, and pending until then: it may not wait longer than others.
                self.wait_since(&record, now);
                self.open.filtered += 1;
            }
            return None;
        }
        let size = record.event.body.len();
        let full = self.open.records.len() >= self.limits.max_events
            || (!self.open.records.is_empty() && self.open.bytes + size > self.limits.max_bytes);
        // Events of one place have one batch: its bounds could not tell which of them are in it.
        let begins_place = record.offset >= self.open.end;
        let cut = if full && begins_place {
            self.open.end = record.offset;
            self.cut()
        } else {
            None
        };
        self.wait_since(&record, now);
        self.moving_since.get_or_insert(now);
        self.open.bytes += size;
        self.open.records.push(record);
        self.open.end = next;
        cut
    }

    fn wait_since(&mut self, record: &Record, now: Timestamp) {
        let since = match self.ages_from {
            AgesFrom::Arrival => record.received_at.min(now),
            AgesFrom::Reading => now,
        };
        self.waiting_since.get_or_insert(since);
        self.concerned_end = record.offset.next();
    }

    /// Takes note of what a slice holds beside its records, and that reading has come as far as its end.
    pub fn advance(&mut self, slice: Slice, route: &Route, now: Timestamp) {
        for lost in slice.lost.into_iter().filter(|lost| route.takes(&lost.stream)) {
            self.lose(lost);
            self.concerned_end = slice.end;
        }
        for unreadable in slice.unreadable.into_iter().filter(|_| route.is_for_unreadable()) {
            self.waiting_since.get_or_insert(now);
            self.open.bytes += unreadable.record.as_ref().map_or(0, |record| record.event.body.len());
            self.open.unreadable.push(unreadable);
            self.concerned_end = slice.end;
        }
        if slice.end > self.open.end {
            self.open.end = slice.end;
            self.moving_since.get_or_insert(now);
        }
    }

    /// What one cause took is told once a batch, in however many slices it came.
    fn lose(&mut self, lost: Lost) {
        match self.open.lost.last_mut() {
            Some(last) if (&last.stream, &last.detail) == (&lost.stream, &lost.detail) => {
                last.count += lost.count;
            }
            _ => self.open.lost.push(lost),
        }
    }

    /// Makes room for so many records at once, as far as the batch takes them.
    pub fn expect(&mut self, records: usize) {
        let room = self.limits.max_events.saturating_sub(self.open.records.len());
        self.open.records.reserve(records.min(room));
    }

    /// Closes the batch as it is, if anything was read since the last.
    pub fn cut(&mut self) -> Option<Cut> {
        let end = self.open.end;
        if end == self.open.first {
            return None;
        }
        (self.waiting_since, self.moving_since) = (None, None);
        Some(std::mem::replace(&mut self.open, Cut { first: end, end, ..Cut::default() }))
    }

    /// Whether nothing more would fit.
    pub fn is_full(&self) -> bool {
        self.open.records.len() + self.open.unreadable.len() >= self.limits.max_events
            || self.open.bytes >= self.limits.max_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::record;
    use proptest::prelude::*;

    fn limits(max_events: usize, max_bytes: usize) -> BatchLimits {
        BatchLimits { max_events, max_bytes, ..BatchLimits::default() }
    }

    fn cuts(records: Vec<Record>, limits: BatchLimits, route: &Route) -> Vec<Cut> {
        let mut batcher = Batcher::new(limits, AgesFrom::Arrival, Offset(0));
        let now = Timestamp::from_micros(0);
        let offered = records.into_iter().filter_map(|record| batcher.offer(record, route, now));
        let mut cuts: Vec<Cut> = offered.collect();
        cuts.extend(batcher.cut());
        cuts
    }

    #[test]
    fn an_event_over_the_limit_of_bytes_makes_a_batch_of_its_own() {
        let records =
            [1, 100, 1].iter().enumerate().map(|(at, size)| record(at as u64, "events", *size)).collect();
        let sizes: Vec<usize> =
            cuts(records, limits(10, 10), &Route::all()).iter().map(|cut| cut.bytes).collect();
        assert_eq!(sizes, [1, 100, 1]);
    }

    #[test]
    fn events_of_other_streams_are_passed_over_and_do_not_come_again() {
        let records = vec![record(0, "telemetry", 1), record(1, "events", 1), record(2, "telemetry", 1)];
        let cuts = cuts(records, limits(10, 10), &Route::all());
        assert_eq!(cuts.len(), 1);
        assert_eq!((cuts[0].first, cuts[0].end, cuts[0].records.len()), (Offset(0), Offset(3), 1));
    }

    #[test]
    fn what_a_filter_leaves_out_is_counted_between_the_same_bounds_and_waits_no_longer() {
        let exists = crate::routing::Condition::Exists(true);
        let filter = crate::routing::Filter::new([(crate::selection::Source::parse("a").unwrap(), exists)]);
        let route = Route::all().with_filter(filter);
        let event = |at, body: &str| {
            let mut record = record(at, "events", 0);
            record.event.body = body.to_owned().into();
            record
        };
        let records = vec![event(0, "{}"), event(1, r#"{"a":1}"#), record(2, "telemetry", 0), event(3, "{}")];
        let cuts = cuts(records, limits(10, 100), &route);
        let [cut] = cuts.as_slice() else { panic!("{cuts:?}") };
        assert_eq!((cut.first, cut.end), (Offset(0), Offset(4)));
        assert_eq!((cut.records.len(), cut.filtered), (1, 2));

        let mut batcher = Batcher::new(limits(10, 100), AgesFrom::Arrival, Offset(0));
        batcher.offer(event(0, "{}"), &route, Timestamp::from_micros(7));
        assert_eq!(batcher.waiting_since(), Some(Timestamp::from_micros(0)));
    }

    #[test]
    fn what_is_passed_over_is_counted_from_the_last_that_was_taken_and_over_all_batches() {
        let mut batcher = Batcher::new(limits(10, 100), AgesFrom::Reading, Offset(5));
        let now = Timestamp::from_micros(0);
        let passed = |batcher: &mut Batcher, at, stream| {
            batcher.offer(record(at, stream, 1), &Route::all(), now);
            batcher.passed_over()
        };
        assert_eq!(passed(&mut batcher, 5, "telemetry"), 1);
        batcher.cut();
        assert_eq!(passed(&mut batcher, 7, "telemetry"), 3);
        assert_eq!(passed(&mut batcher, 8, "events"), 0);
        assert_eq!(passed(&mut batcher, 9, "telemetry"), 1);
        batcher.advance(Slice { end: Offset(30), ..Slice::default() }, &Route::all(), now);
        assert_eq!(batcher.passed_over(), 21);
    }

    #[test]
    fn an_event_waits_since_it_came_in_or_since_it_was_read() {
        let now = Timestamp::from_micros(1 << 60);
        for (ages_from, since) in
            [(AgesFrom::Arrival, record(0, "events", 1).received_at), (AgesFrom::Reading, now)]
        {
            let mut batcher = Batcher::new(limits(10, 100), ages_from, Offset(0));
            batcher.offer(record(0, "events", 1), &Route::all(), now);
            batcher.offer(record(1, "events", 1), &Route::all(), now.after(Duration::from_secs(1)));
            assert_eq!(batcher.waiting_since(), Some(since));
        }
    }

    #[test]
    fn events_of_one_place_are_in_one_batch_whatever_the_limits() {
        let places = [0, 1, 1, 1, 5];
        let records: Vec<Record> = places.iter().map(|at| record(*at, "events", 3)).collect();
        let cuts = cuts(records, limits(2, 7), &Route::all());
        let bounds: Vec<_> = cuts.iter().map(|cut| (cut.first.0, cut.end.0, cut.records.len())).collect();
        assert_eq!(bounds, [(0, 5, 4), (5, 6, 1)]);
    }

    #[test]
    fn what_one_cause_took_is_told_once_a_batch() {
        let now = Timestamp::from_micros(0);
        let lost = |count, detail: &str| Lost {
            stream: crate::event::Stream::new("events").unwrap(),
            count,
            reason: "retention_passed",
            detail: detail.to_owned(),
        };
        let mut batcher = Batcher::new(limits(10, 100), AgesFrom::Arrival, Offset(0));
        for (end, lost) in [(5, lost(5, "a")), (9, lost(4, "a")), (11, lost(2, "b"))] {
            let slice = Slice { end: Offset(end), lost: vec![lost], ..Slice::default() };
            batcher.advance(slice, &Route::all(), now);
        }
        let cut = batcher.cut().unwrap();
        assert_eq!((cut.lost, cut.end), (vec![lost(9, "a"), lost(2, "b")], Offset(11)));
    }

    proptest! {
        #[test]
        fn cuts_are_contiguous_whole_and_within_limits(
            events in prop::collection::vec((any::<bool>(), 1_usize..50), 0..200),
            max_events in 1_usize..20,
            max_bytes in 1_usize..100,
        ) {
            let stream = |mine: &bool| if *mine { "events" } else { "telemetry" };
            let all = events.iter().enumerate().map(|(at, (mine, size))| record(at as u64, stream(mine), *size));
            let records: Vec<Record> = all.collect();
            let route = Route::all();
            let mine: Vec<Record> = records.iter().filter(|record| route.takes(&record.stream)).cloned().collect();
            let cuts = cuts(records, limits(max_events, max_bytes), &route);
            prop_assert_eq!(cuts.first().map_or(0, |cut| cut.first.0), 0);
            prop_assert_eq!(cuts.last().map_or(0, |cut| cut.end.0), events.len() as u64);
            prop_assert!(cuts.windows(2).all(|pair| pair[0].end == pair[1].first));
            for cut in &cuts {
                prop_assert!(cut.records.len() <= max_events);
                prop_assert!(cut.bytes <= max_bytes || cut.records.len() == 1);
                prop_assert!(cut.records.iter().all(|r| cut.first <= r.offset && r.offset < cut.end));
            }
            let delivered: Vec<Record> = cuts.into_iter().flat_map(|cut| cut.records).collect();
            prop_assert_eq!(delivered, mine);
        }
    }
}
