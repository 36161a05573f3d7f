//! A log that keeps everything in memory. Cheap enough for thousands of simulated runs.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::watch;

use crate::event::{Offset, Record, Stream};
use crate::log::{
    Append, Entry, EventLog, Extent, LogError, Lost, Mark, Partition, ReadLimit, Slice, Source, Span,
    Unreadable,
};
use crate::sink::Refusal;
use crate::time::Timestamp;

const MARK_EVERY_OFFSETS: u64 = 5;

/// A handle on a log in memory. Dropping it is a crash: [`MemoryLog::reopen`] gives the next process's handle.
pub struct MemoryLog {
    store: Arc<Store>,
    closed: AtomicBool,
}

struct Store {
    partition: Partition,
    trims: bool,
    state: Mutex<State>,
    /// Counts changes, so that whoever waits looks again.
    changed: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    start: u64,
    places: VecDeque<Place>,
    accepted: BTreeMap<Stream, u64>,
    released: u64,
    refusal: Option<LogError>,
    /// Nothing is given from here on.
    withheld: Option<u64>,
}

enum Place {
    Held(Record),
    Lost(Stream),
    Nothing,
    Unreadable(Unreadable),
}

impl State {
    fn end(&self) -> u64 {
        self.start + self.places.len() as u64
    }

    /// `None` where what stands there is withheld.
    fn given(&self, from: Offset, limit: ReadLimit) -> Result<Option<Slice>, LogError> {
        if from.0 < self.start {
            return Err(LogError::Trimmed { start: Offset(self.start) });
        }
        let room = self.withheld.map_or(usize::MAX, |withheld| withheld.saturating_sub(from.0) as usize);
        if room == 0 && from.0 < self.end() {
            return Ok(None);
        }
        Ok(Some(slice(self, from, ReadLimit { max_events: limit.max_events.min(room), ..limit })))
    }

    /// As a log of segments has them: only at every so many offsets, and where it begins.
    fn mark(&self, at: u64) -> Mark {
        let offset = (at - at % MARK_EVERY_OFFSETS).max(self.start);
        let mut accepted = self.accepted.clone();
        for place in self.places.iter().skip((offset - self.start) as usize) {
            if let Place::Held(Record { stream, .. }) | Place::Lost(stream) = place
                && let Some(count) = accepted.get_mut(stream)
            {
                *count -= 1;
            }
        }
        accepted.retain(|_, count| *count > 0);
        Mark { offset: Offset(offset), accepted }
    }

    fn take(&mut self, entry: &Entry<'_>) -> Span {
        let first = self.end();
        let origin = Arc::new(entry.origin.clone());
        for (offset, event) in (first..).zip(entry.events) {
            self.places.push_back(Place::Held(Record {
                offset: Offset(offset),
                stream: entry.stream.clone(),
                received_at: entry.received_at,
                origin: Arc::clone(&origin),
                event: event.clone(),
            }));
        }
        *self.accepted.entry(entry.stream.clone()).or_default() += entry.events.len() as u64;
        Span { first: Offset(first), end: Offset(self.end()) }
    }
}

impl MemoryLog {
    /// An empty log whose events are gone as soon as they are released.
    pub fn new(partition: &str) -> Self {
        Self::with(partition, true)
    }

    /// An empty log that keeps released events, as one with a long retention does.
    pub fn keeping(partition: &str) -> Self {
        Self::with(partition, false)
    }

    fn with(partition: &str, trims: bool) -> Self {
        let store = Store {
            partition: Partition(partition.into()),
            trims,
            state: Mutex::default(),
            changed: watch::Sender::new(0),
        };
        Self { store: Arc::new(store), closed: AtomicBool::new(false) }
    }

    /// Another handle on the same events, as after a restart.
    pub fn reopen(&self) -> Self {
        Self { store: Arc::clone(&self.store), closed: AtomicBool::new(false) }
    }

    /// Ends this handle; what waits on it returns.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.store.changed.send_modify(|count| *count += 1);
    }

    /// Damages these offsets: their events were accepted and cannot be read any more.
    pub fn lose(&self, offsets: Range<u64>) {
        let mut state = self.state();
        let start = state.start;
        for (offset, place) in (start..).zip(&mut state.places) {
            if let Place::Held(record) = place
                && offsets.contains(&offset)
            {
                *place = Place::Lost(record.stream.clone());
            }
        }
    }

    /// Adds places without an event, as a broker's log has them.
    pub fn skip(&self, count: usize) {
        self.state().places.extend(std::iter::repeat_with(|| Place::Nothing).take(count));
        self.store.changed.send_modify(|count| *count += 1);
    }

    /// Adds something that is no event.
    pub fn garble(&self, stream: &Stream) {
        let mut state = self.state();
        let offset = Offset(state.end());
        let refusal = Refusal { reason: "garbled".to_owned(), detail: "made so by a test".to_owned() };
        let source = Source { topic: "t".to_owned(), offset: offset.0.cast_signed(), ..Source::default() };
        let unreadable = Unreadable { offset, stream: stream.clone(), record: None, refusal, source };
        state.places.push_back(Place::Unreadable(unreadable));
        drop(state);
        self.store.changed.send_modify(|count| *count += 1);
    }

    /// From now on appends fail so; `None` ends it.
    pub fn refuse(&self, error: Option<LogError>) {
        self.state().refusal = error;
    }

    /// What stands from there on is known and not given, as by a broker that is slow; `None` ends it.
    pub fn withhold(&self, from: Option<Offset>) {
        self.state().withheld = from.map(|from| from.0);
        self.store.changed.send_modify(|count| *count += 1);
    }

    /// Everything before this has been released.
    pub fn released(&self) -> Offset {
        Offset(self.state().released)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.store.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_open(&self) -> Result<(), LogError> {
        match self.closed.load(Ordering::SeqCst) {
            true => Err(LogError::Closed),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl Append for MemoryLog {
    async fn append(&self, entry: Entry<'_>) -> Result<Span, LogError> {
        self.check_open()?;
        let span = {
            let mut state = self.state();
            if let Some(error) = &state.refusal {
                return Err(error.clone());
            }
            state.take(&entry)
        };
        self.store.changed.send_modify(|count| *count += 1);
        Ok(span)
    }
}

#[async_trait]
impl EventLog for MemoryLog {
    fn partitions(&self) -> Vec<Partition> {
        vec![self.store.partition.clone()]
    }

    fn extent(&self, _partition: &Partition) -> Extent {
        let state = self.state();
        Extent { start: Offset(state.start), end: Offset(state.end()), accepted: state.accepted.clone() }
    }

    fn mark(&self, _partition: &Partition, at: Offset) -> Option<Mark> {
        let state = self.state();
        (state.start <= at.0).then(|| state.mark(at.0))
    }

    async fn read(&self, _partition: &Partition, from: Offset, limit: ReadLimit) -> Result<Slice, LogError> {
        let mut changes = self.store.changed.subscribe();
        loop {
            self.check_open()?;
            if let Some(slice) = self.state().given(from, limit)? {
                return Ok(slice);
            }
            changes.changed().await.map_err(|_| LogError::Closed)?;
        }
    }

    async fn wait(&self, _partition: &Partition, from: Offset) -> Result<(), LogError> {
        let mut changes = self.store.changed.subscribe();
        loop {
            self.check_open()?;
            if from.0 < self.state().end() {
                return Ok(());
            }
            changes.changed().await.map_err(|_| LogError::Closed)?;
        }
    }

    async fn seek(&self, _partition: &Partition, time: Timestamp) -> Result<Offset, LogError> {
        self.check_open()?;
        let state = self.state();
        let late = |place: &Place| matches!(place, Place::Held(record) if record.received_at >= time);
        let index = state.places.iter().position(late).unwrap_or(state.places.len());
        Ok(Offset(state.start + index as u64))
    }

    async fn release(&self, _partition: &Partition, before: Offset) -> Result<(), LogError> {
        self.check_open()?;
        let mut state = self.state();
        state.released = state.released.max(before.0.min(state.end()));
        while self.store.trims && state.start < state.released {
            state.places.pop_front();
            state.start += 1;
        }
        Ok(())
    }
}

/// Records without a gap between them, or one gap and no record; and no more offsets than `max_events`.
fn slice(state: &State, from: Offset, limit: ReadLimit) -> Slice {
    let mut slice = Slice { end: from, ..Slice::default() };
    let mut bytes = 0;
    let places = state.places.iter().skip((from.0 - state.start) as usize);
    for place in places.take(limit.max_events.max(1)) {
        match place {
            Place::Held(record) if slice.lost.is_empty() => {
                bytes += record.event.body.len();
                if bytes > limit.max_bytes && !slice.records.is_empty() {
                    break;
                }
                slice.records.push(record.clone());
            }
            Place::Lost(stream) if slice.records.is_empty() => tell(&mut slice.lost, stream),
            Place::Nothing if slice.lost.is_empty() => {}
            Place::Unreadable(unreadable) if slice.lost.is_empty() => {
                slice.unreadable.push(unreadable.clone());
            }
            _ => break,
        }
        slice.end = slice.end.next();
    }
    slice
}

fn tell(lost: &mut Vec<Lost>, stream: &Stream) {
    match lost.iter_mut().find(|known| known.stream == *stream) {
        Some(known) => known.count += 1,
        None => lost.push(Lost {
            stream: stream.clone(),
            count: 1,
            reason: "log_damaged",
            detail: "damaged by a test".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Sample, contract};
    use super::*;

    #[tokio::test]
    async fn a_log_in_memory_keeps_the_contract_whether_it_trims_or_not() {
        contract(async || MemoryLog::new("memory"), async |log| log.reopen()).await;
        contract(async || MemoryLog::keeping("memory"), async |log| log.reopen()).await;
    }

    #[tokio::test]
    async fn what_is_lost_is_told_in_a_slice_of_its_own() {
        let log = MemoryLog::new("memory");
        let sample = Sample::new("events", 8);
        log.append(sample.entry()).await.unwrap();
        log.lose(1..4);
        let partition = log.partitions().remove(0);
        let limit = ReadLimit { max_events: 2, max_bytes: 1 << 20 };
        let mut told = Vec::new();
        let mut at = Offset(0);
        while at < Offset(8) {
            let slice = log.read(&partition, at, limit).await.unwrap();
            let lost: u64 = slice.lost.iter().map(|lost| lost.count).sum();
            told.push((slice.records.len() as u64, lost));
            at = slice.end;
        }
        assert_eq!(told, [(1, 0), (0, 2), (0, 1), (2, 0), (2, 0)]);
    }
}
