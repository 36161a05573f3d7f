//! What was read last of a partition, kept for those who read it a little later.

use std::collections::{BTreeMap, VecDeque};

use weir_core::event::{Offset, Record, Stream, by_stream};
use weir_core::log::{PassedOver, ReadLimit, Slice, Unreadable};
use weir_core::message::Content;
use weir_core::streams::Streams;

/// What an event takes beside its body, about.
const RECORD_BYTES: usize = 256;
/// Of so many streams it is known where their last events stand.
const STREAMS_MAX: usize = 1_000;

/// Everything between two offsets.
#[derive(Default)]
pub(super) struct Window {
    start: u64,
    end: u64,
    records: VecDeque<Record>,
    unreadable: VecDeque<Unreadable>,
    bytes: usize,
    /// Since then, whatever was given up, it is known where each stream's last event stands, and what is none.
    known_from: u64,
    last_of: BTreeMap<Stream, u64>,
    last_unreadable: Option<u64>,
}

impl Window {
    pub fn start(&self) -> u64 {
        self.start
    }

    pub fn end(&self) -> u64 {
        self.end
    }

    /// An empty one, which begins there.
    pub fn begin(&mut self, at: u64) {
        *self = Self { start: at, end: at, known_from: at, ..Self::default() };
    }

    /// Goes on up to `end`, with what stands there.
    pub fn append(&mut self, content: Content, end: u64) {
        self.bytes += content.records.iter().map(size).sum::<usize>();
        self.bytes += content.unreadable.iter().map(size_unreadable).sum::<usize>();
        for alike in content.records.chunk_by(|one, next| one.stream == next.stream) {
            self.last_of.insert(alike[0].stream.clone(), alike[alike.len() - 1].offset.0);
        }
        if let Some(last) = content.unreadable.last() {
            self.last_unreadable = Some(last.offset.0);
        }
        self.records.extend(content.records);
        self.unreadable.extend(content.unreadable);
        self.end = self.end.max(end);
        if self.last_of.len() > STREAMS_MAX {
            self.last_of.clear();
            self.known_from = self.end;
        }
    }

    /// Gives up the oldest, place by place, until no more is kept than that; but never the newest place.
    pub fn shrink(&mut self, max_bytes: usize) {
        while self.bytes > max_bytes {
            let firsts = [self.records.front().map(|r| r.offset), self.unreadable.front().map(|u| u.offset)];
            let Some(first) = firsts.into_iter().flatten().min().filter(|first| first.0 + 1 < self.end)
            else {
                return;
            };
            while let Some(record) = self.records.pop_front_if(|record| record.offset == first) {
                self.bytes -= size(&record);
            }
            while let Some(unreadable) = self.unreadable.pop_front_if(|one| one.offset == first) {
                self.bytes -= size_unreadable(&unreadable);
            }
            self.start = first.0 + 1;
        }
    }

    /// What stands from `from` on, up to what is of these streams or unreadable; nothing where that is not known.
    pub fn passed_over(&self, from: u64, streams: &Streams) -> PassedOver {
        let end = if self.has_none_since(from, streams) { self.end } else { self.first_of(from, streams) };
        let within = || self.records_from(from).take_while(|record| record.offset.0 < end);
        let events = (from >= self.start).then(|| by_stream(within()));
        PassedOver { end: Offset(end), events }
    }

    /// Whether it is known that nothing of these streams was read since then, and nothing unreadable.
    fn has_none_since(&self, from: u64, streams: &Streams) -> bool {
        let of_streams = self.last_of.iter().filter(|(stream, _)| streams.contains(stream));
        let mut last = of_streams.map(|(_, last)| *last).chain(self.last_unreadable);
        from >= self.known_from && last.all(|last| last < from)
    }

    /// Where the first stands that is of these streams or unreadable.
    fn first_of(&self, from: u64, streams: &Streams) -> u64 {
        if from < self.start {
            return from;
        }
        let record = self.records_from(from).find(|record| streams.contains(&record.stream));
        let unreadable = self.unreadable.iter().find(|one| one.offset.0 >= from);
        let firsts = [record.map(|record| record.offset), unreadable.map(|one| one.offset)];
        firsts.into_iter().flatten().min().map_or(self.end, |first| first.0)
    }

    fn records_from(&self, from: u64) -> impl Iterator<Item = &Record> {
        let first = self.records.partition_point(|record| record.offset.0 < from);
        self.records.range(first..)
    }

    /// What stands from `from` on; `None` where that is not in the window.
    pub fn slice(&self, from: u64, limit: ReadLimit) -> Option<Slice> {
        if from < self.start || from >= self.end {
            return None;
        }
        let stop = from.saturating_add((limit.max_events as u64).max(1)).min(self.end);
        let mut slice = Slice { end: Offset(stop), ..Slice::default() };
        let mut bytes = 0;
        for record in self.records_from(from).take_while(|record| record.offset.0 < stop) {
            bytes += record.event.body.len();
            let begins_place = slice.records.last().is_some_and(|last| last.offset < record.offset);
            if bytes > limit.max_bytes && begins_place {
                slice.end = record.offset;
                break;
            }
            slice.records.push(record.clone());
        }
        let first = self.unreadable.partition_point(|one| one.offset.0 < from);
        let within = self.unreadable.range(first..).take_while(|one| one.offset < slice.end);
        slice.unreadable = within.cloned().collect();
        Some(slice)
    }
}

fn size(record: &Record) -> usize {
    RECORD_BYTES + record.event.body.len()
}

fn size_unreadable(unreadable: &Unreadable) -> usize {
    RECORD_BYTES + unreadable.record.as_ref().map_or(0, |record| record.event.body.len())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use weir_core::log::Source;
    use weir_core::sink::Refusal;
    use weir_core::testkit::record;

    use super::*;

    fn window(places: &[(u64, usize)], end: u64) -> Window {
        let mut window = Window::default();
        for (offset, size) in places {
            let content = Content { records: vec![record(*offset, "events", *size)], unreadable: Vec::new() };
            window.append(content, offset + 1);
        }
        window.append(Content::default(), end);
        window
    }

    fn told(window: &Window, from: u64, max_events: usize, max_bytes: usize) -> Option<(Vec<u64>, u64)> {
        let slice = window.slice(from, ReadLimit { max_events, max_bytes })?;
        Some((slice.records.iter().map(|record| record.offset.0).collect(), slice.end.0))
    }

    #[test]
    fn places_without_events_are_passed_over_and_events_of_one_place_stay_together() {
        let window = window(&[(0, 5), (1, 5), (1, 5), (7, 5)], 12);
        assert_eq!(told(&window, 0, 100, 100), Some((vec![0, 1, 1, 7], 12)));
        assert_eq!(told(&window, 0, 2, 100), Some((vec![0, 1, 1], 2)));
        assert_eq!(told(&window, 2, 3, 100), Some((vec![], 5)));
        assert_eq!(told(&window, 0, 100, 12), Some((vec![0, 1, 1], 7)));
        assert_eq!(told(&window, 0, 100, 3), Some((vec![0], 1)));
        assert_eq!(told(&window, 8, 100, 0), Some((vec![], 12)));
        assert_eq!(told(&window, 12, 100, 100), None);
    }

    #[test]
    fn the_oldest_is_given_up_place_by_place_and_the_newest_never() {
        let mut window = window(&[(0, 5), (1, 5), (1, 5), (7, 5)], 8);
        window.shrink(RECORD_BYTES * 2);
        assert_eq!((window.start(), told(&window, 7, 9, 9)), (2, Some((vec![7], 8))));
        assert_eq!(told(&window, 1, 9, 9), None);
        window.shrink(0);
        assert_eq!((window.start(), window.end(), told(&window, 7, 9, 9)), (2, 8, Some((vec![7], 8))));
    }

    fn passed(window: &Window, from: u64, stream: &str) -> u64 {
        window.passed_over(from, &Streams::Named([Stream::new(stream).unwrap()].into())).end.0
    }

    fn counted(window: &Window, from: u64) -> Option<Vec<(String, u64)>> {
        let events = window.passed_over(from, &Streams::Named(BTreeSet::new())).events?;
        Some(events.into_iter().map(|(stream, count)| (stream.to_string(), count)).collect())
    }

    #[test]
    fn who_takes_nothing_of_it_passes_over_all_up_to_what_it_takes() {
        let mut window = window(&[(3, 5), (4, 5)], 6);
        window.append(Content { records: vec![record(7, "actions", 5)], unreadable: Vec::new() }, 9);
        for (from, stream, end) in [
            (0, "telemetry", 9),
            (8, "telemetry", 9),
            (0, "actions", 7),
            (7, "actions", 7),
            (8, "actions", 9),
            (0, "events", 3),
            (5, "events", 9),
        ] {
            assert_eq!(passed(&window, from, stream), end, "{stream} from {from}");
        }
        window.shrink(RECORD_BYTES * 2 + 10);
        assert_eq!(passed(&window, 0, "events"), 0, "what is gone may be one of them");
        assert_eq!((passed(&window, 0, "telemetry"), passed(&window, 4, "events")), (9, 4));
    }

    #[test]
    fn what_is_passed_over_is_counted_where_it_is_still_here() {
        let mut window = window(&[(3, 5), (4, 5)], 6);
        window.append(Content { records: vec![record(7, "actions", 5)], unreadable: Vec::new() }, 9);
        let told =
            |actions, events| Some(vec![("actions".to_owned(), actions), ("events".to_owned(), events)]);
        assert_eq!([0, 4].map(|from| counted(&window, from)), [told(1, 2), told(1, 1)]);
        assert_eq!(counted(&window, 8), Some(Vec::new()));
        window.shrink(RECORD_BYTES * 2 + 10);
        assert_eq!([0, 4].map(|from| counted(&window, from)), [None, told(1, 1)]);
    }

    #[test]
    fn what_is_unreadable_is_passed_over_by_nobody() {
        let mut window = window(&[(3, 5)], 4);
        let one = Unreadable {
            offset: Offset(5),
            stream: Stream::new("events").unwrap(),
            record: None,
            refusal: Refusal { reason: String::new(), detail: String::new() },
            source: Source::default(),
        };
        window.append(Content { records: Vec::new(), unreadable: vec![one] }, 7);
        assert_eq!([0, 5, 6].map(|from| passed(&window, from, "telemetry")), [5, 5, 7]);
        assert_eq!(counted(&window, 0), Some(vec![("events".to_owned(), 1)]));
        window.append(Content { records: vec![record(8, "events", 5)], unreadable: Vec::new() }, 9);
        window.shrink(RECORD_BYTES);
        assert_eq!([0, 7].map(|from| passed(&window, from, "telemetry")), [0, 9]);
    }

    #[test]
    fn of_more_streams_than_are_known_only_what_is_here_is_passed_over() {
        let mut window = Window::default();
        for place in 0..=u64::try_from(STREAMS_MAX).unwrap() {
            let content =
                Content { records: vec![record(place, &format!("s{place}"), 5)], ..Content::default() };
            window.append(content, place + 1);
        }
        let end = window.end();
        let both = |window: &Window| [0, end - 1].map(|from| passed(window, from, "telemetry"));
        assert_eq!(both(&window), [end, end]);
        window.shrink(RECORD_BYTES * 2);
        assert_eq!(both(&window), [0, end]);
    }

    proptest! {
        #[test]
        fn reading_on_and_on_gives_each_event_once_in_its_order(
            gaps in prop::collection::vec((0_u64..4, 0_usize..30), 1..60), max_events in 1_usize..9, max_bytes in 0_usize..80,
        ) {
            let mut at = 0;
            let places: Vec<(u64, usize)> = gaps.iter().map(|(gap, size)| { at += gap; (at, *size) }).collect();
            let window = window(&places, at + 1);
            let (mut seen, mut from) = (Vec::new(), 0);
            while let Some((records, end)) = told(&window, from, max_events, max_bytes) {
                prop_assert!(end > from && end - from <= max_events as u64);
                prop_assert!(records.iter().all(|offset| from <= *offset && *offset < end));
                seen.extend(records);
                from = end;
            }
            prop_assert_eq!(seen, places.iter().map(|(offset, _)| *offset).collect::<Vec<_>>());
        }
    }
}
