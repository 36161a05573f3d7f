//! The one thread that writes. It takes all that waits, writes it at once, syncs once, and tells everyone.
//!
//! A lone entry is written as soon as it comes, and whatever comes while a sync runs shares the next one. Nothing of a group is seen or acknowledged before the whole group is durable.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use weir_core::event::{Offset, Stream};
use weir_core::log::{LogError, Span};
use weir_core::time::Timestamp;

use super::active::{Active, SoFar};
use super::batch::Batch;
use super::health::{Trouble, refused};
use super::inner::{Inner, Tip};
use super::keeper::{check_floor, trim};
use super::marker;
use super::queue::{Pending, Turn};
use super::rhythm::Rhythm;

/// How often the writer looks around though nothing comes; how soon it tries again after a failure.
const LOOK_AROUND_EVERY: Duration = Duration::from_millis(250);
/// The file system's free space is looked at after so many bytes, besides by the keeper.
const FLOOR_EVERY_BYTES: u64 = 8 << 20;
/// A used-up budget is over when this part of it is left, not when one small entry happened to fit.
const AMPLE_PART: u64 = 64;
/// The log is not well again before this much fits in a new segment.
const FRESH_START_BYTES: u64 = 64 << 10;

pub(super) struct Writer {
    inner: Arc<Inner>,
    active: Option<Active>,
    /// The state after everything that was given a place, durable or not.
    end: u64,
    accepted: BTreeMap<Stream, u64>,
    received_max: Option<Timestamp>,
    try_again_at: Instant,
    since_floor_bytes: u64,
    rhythm: Rhythm,
    /// When the last group began.
    group_at: Instant,
}

impl Writer {
    /// A writer that goes on with the segment given, or begins one. A failure to do so is kept in the log's health.
    pub(super) fn begin(inner: Arc<Inner>, active: Option<Active>, received_max: Option<Timestamp>) -> Self {
        let mut writer = Self::new(inner, active, received_max);
        if writer.active.is_none() {
            let _ = writer.begin_segment(FRESH_START_BYTES);
        }
        writer
    }

    fn new(inner: Arc<Inner>, active: Option<Active>, received_max: Option<Timestamp>) -> Self {
        let published = inner.published().clone();
        Self {
            inner,
            active,
            end: published.end,
            accepted: published.accepted,
            received_max,
            try_again_at: Instant::now(),
            since_floor_bytes: 0,
            rhythm: Rhythm::default(),
            group_at: Instant::now(),
        }
    }

    /// Writes until the log is closed.
    pub(super) fn run(mut self) {
        let mut group = Vec::new();
        loop {
            match self.inner.queue.take(&mut group, &self.rhythm, LOOK_AROUND_EVERY) {
                Turn::Group => self.write_group(&mut group),
                Turn::Idle => self.look_around(),
                Turn::Closed => break self.close(),
                Turn::Abandoned => break,
            }
        }
    }

    fn write_group(&mut self, group: &mut Vec<Pending>) {
        let permits = group.iter().map(|pending| pending.permits).sum();
        let bytes = group.iter().map(|pending| pending.encoded.bytes.len() as u64).sum();
        let (entries, begun) = (group.len(), Instant::now());
        self.rhythm.begin(entries);
        self.rhythm.pace(entries, begun.duration_since(self.group_at));
        self.group_at = begun;
        let mut batch = Batch::default();
        for pending in group.drain(..) {
            match self.make_room(&mut batch, pending.encoded.bytes.len() as u64) {
                Ok(salt) => self.place(&mut batch, pending, salt),
                Err(error) => pending.answer(Err(error)),
            }
        }
        self.flush(&mut batch);
        self.rhythm.end(entries, bytes, begun.elapsed(), self.inner.queue.waiting());
        self.inner.room.add_permits(permits);
    }

    /// Gives the entry its place.
    fn place(&mut self, batch: &mut Batch, pending: Pending, salt: u32) {
        let Pending { mut encoded, answer, .. } = pending;
        let sequence = self.accepted.entry(encoded.stream.clone()).or_default();
        encoded.seal(salt, self.end, *sequence);
        *sequence += encoded.events;
        let span = Span { first: Offset(self.end), end: Offset(self.end + encoded.events) };
        self.end = span.end.0;
        self.received_max = self.received_max.max(Some(encoded.received_at));
        batch.add(encoded, answer, span);
    }

    /// Sees to a segment in which the batch and so many bytes more fit; gives its salt.
    fn make_room(&mut self, batch: &mut Batch, bytes: u64) -> Result<u32, LogError> {
        if self.inner.budget_left() < batch.bytes() + bytes {
            self.flush(batch);
            self.free_budget(bytes)?;
        }
        if self.active.as_ref().is_some_and(|active| !active.has_room(batch.bytes() + bytes)) {
            self.flush(batch);
        }
        match &self.active {
            Some(active) if active.has_room(batch.bytes() + bytes) => Ok(active.segment.salt),
            _ => self.begin_segment(bytes),
        }
    }

    /// Ends the segment there is, if any, and begins the next.
    fn begin_segment(&mut self, bytes: u64) -> Result<u32, LogError> {
        if self.active.is_none() && Instant::now() < self.try_again_at {
            return Err(self.inner.health.refusal().unwrap_or_else(|| refused("the log is being mended")));
        }
        let so_far = SoFar { end: self.end, accepted: &self.accepted, received_max: self.received_max };
        let begun = Active::create(&self.inner, &so_far, bytes);
        // The old segment is ended even where there is no new one: what it gives back may be the room that is wanted.
        if let Some(old) = self.active.take() {
            old.trim_space();
        }
        match begun {
            Ok(active) => {
                let salt = active.segment.salt;
                self.inner.shelf.push(Arc::clone(&active.segment));
                self.active = Some(active);
                self.inner.health.set(Trouble::Broken, None);
                Ok(salt)
            }
            Err(error) => Err(self.broken("a new segment could not be begun", &error)),
        }
    }

    /// Writes the batch, and tells everyone who waits for it.
    fn flush(&mut self, batch: &mut Batch) {
        let Some(active) = self.active.as_mut().filter(|_| !batch.is_empty()) else { return };
        let begun = Instant::now();
        batch.begin(&self.inner, begun);
        let outcome = active.append(batch.parts(), batch.bytes(), self.inner.settings.durability);
        match outcome {
            Ok(()) => {
                self.inner.observer.synced(batch.bytes(), begun.elapsed());
                self.publish(batch);
                batch.done(&self.inner, None);
            }
            Err(error) => {
                let error = self.fail(&error);
                batch.done(&self.inner, Some(&error));
            }
        }
    }

    fn publish(&mut self, batch: &Batch) {
        let Some(active) = &self.active else { return };
        active.segment.grow(active.position(), self.received_max.unwrap_or_default());
        self.inner.shelf.grown(batch.bytes());
        {
            let mut published = self.inner.published();
            published.end = self.end;
            for (stream, count) in batch.counts() {
                *published.accepted.entry(stream.clone()).or_default() += count;
            }
        }
        self.inner.tip.send_replace(Tip { end: self.end, closed: false });
        let ample = self.inner.budget_left() > self.inner.settings.max_bytes / AMPLE_PART;
        if ample && self.inner.health.has(Trouble::BudgetUsed) {
            self.inner.health.set(Trouble::BudgetUsed, None);
        }
        self.since_floor_bytes += batch.bytes();
        if self.since_floor_bytes >= FLOOR_EVERY_BYTES {
            self.since_floor_bytes = 0;
            check_floor(&self.inner);
        }
    }

    /// A write or a sync failed: the segment ends where it was last durable, and what came after it never was.
    fn fail(&mut self, error: &io::Error) -> LogError {
        if let Some(active) = self.active.take() {
            active.trim_space();
        }
        let published = self.inner.published().clone();
        self.end = published.end;
        self.accepted = published.accepted;
        self.broken("events could not be written", error)
    }

    fn broken(&mut self, what: &str, error: &io::Error) -> LogError {
        self.try_again_at = Instant::now() + LOOK_AROUND_EVERY;
        let reason = format!(
            "{what} in {}: {error}; nothing was acknowledged, and it is tried again by itself",
            self.inner.settings.dir.display()
        );
        self.inner.health.set(Trouble::Broken, Some(reason.clone()));
        refused(reason)
    }

    /// Trims what is released, whatever the retention, until there is room for so many bytes.
    fn free_budget(&mut self, bytes: u64) -> Result<(), LogError> {
        trim(&self.inner, bytes);
        let everything_released = self.inner.released() >= self.end;
        if self.inner.budget_left() < bytes && everything_released && !self.is_empty() {
            self.begin_segment(bytes)?;
            trim(&self.inner, bytes);
        }
        if self.inner.budget_left() >= bytes {
            return Ok(());
        }
        let reason = format!(
            "the log's budget of {} bytes is used up by events that are not delivered yet: see to the sink that is \
             behind, or raise log.max_bytes",
            self.inner.settings.max_bytes
        );
        self.inner.health.set(Trouble::BudgetUsed, Some(reason.clone()));
        Err(refused(reason))
    }

    fn is_empty(&self) -> bool {
        self.active.as_ref().is_none_or(Active::is_empty)
    }

    /// What needs doing though no entry comes: going on after a failure, ending a segment that has grown old.
    fn look_around(&mut self) {
        let roll = self.inner.roll_wanted.swap(false, std::sync::atomic::Ordering::AcqRel);
        if self.active.is_none() || (roll && !self.is_empty()) {
            // A failure is kept in the log's health, and tried again the next time.
            let _ = self.begin_segment(FRESH_START_BYTES);
        }
    }

    /// Ends in good order: the next start knows that nothing is missing.
    fn close(&mut self) {
        if let Some(active) = self.active.take() {
            active.trim_space();
            let so_far = SoFar { end: self.end, accepted: &self.accepted, received_max: self.received_max };
            if let Err(error) = marker::write(&self.inner, &so_far) {
                tracing::warn!(%error, "the log is closed, but could not note it; the next start looks more closely");
            }
        }
    }
}

impl Drop for Writer {
    /// However the thread ends, nobody waits for it for ever.
    fn drop(&mut self) {
        self.inner.queue.abandon();
        self.inner.room.close();
        drop(self.inner.queue.drain());
        drop(std::mem::take(&mut self.inner.under_way().answers));
        let end = self.inner.end();
        self.inner.tip.send_replace(Tip { end, closed: true });
    }
}
