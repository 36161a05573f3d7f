//! One partition while it is here: most read at its front, out of one window; who has fallen behind reads apart.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use weir_core::event::Offset;
use weir_core::log::{PassedOver, ReadLimit, Slice};
use weir_core::message::MessageReader;
use weir_core::streams::Streams;

use super::group::Place;
use super::reader::{Obstacle, Readers, Room, Slot};
use super::window::Window;

/// Who is so little ahead of the window waits for it; who is further has it begin anew there.
const NEAR_PLACES: u64 = 20_000;
/// Messages that are taken while others of the partition wait.
const AT_ONCE_MAX_MESSAGES: usize = 500;

/// A partition that is here.
pub(super) struct Reading {
    pub place: Place,
    /// Told whenever something has come, or was read at the front.
    pub arrived: Arc<Notify>,
    front: Mutex<Front>,
    behind: Mutex<Vec<Slot>>,
    start: AtomicU64,
    latest: AtomicU64,
    /// Up to where it was told what retention took.
    lost_before: AtomicU64,
}

struct Front {
    slot: Option<Slot>,
    window: Window,
}

/// What an attempt to read came to.
pub(super) enum Attempt {
    Slice(Slice),
    /// There is nothing yet.
    AtEnd,
    /// It has not come yet.
    Pending,
}

impl Reading {
    /// One that goes from `start` to `end`, as far as is known.
    pub fn new(place: Place, start: u64, end: u64) -> Self {
        Self {
            place,
            arrived: Arc::default(),
            front: Mutex::new(Front { slot: None, window: Window::default() }),
            behind: Mutex::default(),
            start: AtomicU64::new(start),
            latest: AtomicU64::new(end),
            lost_before: AtomicU64::new(0),
        }
    }

    pub fn start(&self) -> u64 {
        self.start.load(Ordering::Relaxed)
    }

    /// Where the partition ended when the broker was last asked.
    pub fn latest(&self) -> u64 {
        self.latest.load(Ordering::Relaxed)
    }

    /// The broker was asked.
    pub fn learn(&self, start: u64, end: u64) {
        self.start.fetch_max(start, Ordering::Relaxed);
        self.latest.fetch_max(end, Ordering::Relaxed);
    }

    /// Up to where there is something to read, be it places without events.
    pub fn end(&self) -> u64 {
        let front = self.front();
        match &front.slot {
            Some(slot) if slot.is_at_end() => front.window.end(),
            _ => front.window.end().max(self.latest()),
        }
    }

    /// What was read that is not of these streams; `None` where nobody has read so far.
    pub fn passed_over(&self, from: u64, streams: &Streams) -> Option<PassedOver> {
        let window = &self.front().window;
        (from < window.end()).then(|| window.passed_over(from, streams))
    }

    /// How many of these events are not yet told as lost.
    pub fn lose(&self, first: u64, end: u64) -> u64 {
        let told = self.lost_before.fetch_max(end, Ordering::Relaxed);
        end.saturating_sub(first.max(told))
    }

    /// Reads without waiting.
    pub fn attempt(&self, from: u64, limit: ReadLimit, around: &Around<'_>) -> Result<Attempt, Obstacle> {
        {
            let mut front = self.front();
            if let Some(slice) = front.window.slice(from, limit) {
                return Ok(Attempt::Slice(slice));
            }
            let is_ahead = front.slot.is_none() || from >= front.window.end();
            if is_ahead {
                return self.attempt_in_front(&mut front, from, limit, around);
            }
        }
        self.attempt_behind(from, limit, around)
    }

    /// Nothing is read any more at the front; the next who reads begins there anew.
    pub fn begin_anew(&self) {
        self.front().slot = None;
        self.behind().clear();
    }

    fn attempt_in_front(
        &self,
        front: &mut Front,
        from: u64,
        limit: ReadLimit,
        around: &Around<'_>,
    ) -> Result<Attempt, Obstacle> {
        if front.slot.is_none() || from > front.window.end() + NEAR_PLACES {
            // The old one first: a client reads a partition at one place only.
            front.slot = None;
            front.window.begin(from);
            front.slot = Some(self.slot(from, around)?);
        }
        let Front { slot, window } = front;
        let Some(slot) = slot else { return Ok(Attempt::Pending) };
        let room = Room { stop: u64::MAX, max_messages: AT_ONCE_MAX_MESSAGES, max_bytes: limit.max_bytes };
        let (content, end) = slot.take(around.messages, room)?;
        if end > window.end() {
            self.arrived.notify_waiters();
        }
        window.append(content, end);
        window.shrink(around.window_max_bytes);
        Ok(match window.slice(from, limit) {
            Some(slice) => Attempt::Slice(slice),
            // What the broker is known to have is waited for, whatever a new leader says of its end.
            None if slot.is_at_end() && from >= self.latest() => Attempt::AtEnd,
            None => Attempt::Pending,
        })
    }

    /// Apart from the window, up to where it begins.
    fn attempt_behind(&self, from: u64, limit: ReadLimit, around: &Around<'_>) -> Result<Attempt, Obstacle> {
        let known = {
            let mut behind = self.behind();
            let known = behind.iter().position(|slot| slot.given() == from);
            known.map(|index| behind.swap_remove(index))
        };
        let mut slot = match known {
            Some(slot) => slot,
            None => self.slot(from, around)?,
        };
        let stop = from.saturating_add((limit.max_events as u64).max(1));
        let room = Room { stop, max_messages: AT_ONCE_MAX_MESSAGES, max_bytes: limit.max_bytes };
        let (content, end) = slot.take(around.messages, room)?;
        if slot.given() < self.front().window.start() {
            let mut behind = self.behind();
            behind.push(slot);
            // Whoever has left its place does not come back to it.
            let surplus = behind.len().saturating_sub(around.behind_max);
            behind.drain(..surplus);
        }
        if end == from {
            return Ok(Attempt::Pending);
        }
        let (records, unreadable) = (content.records, content.unreadable);
        Ok(Attempt::Slice(Slice { records, end: Offset(end), lost: Vec::new(), unreadable }))
    }

    fn slot(&self, at: u64, around: &Around<'_>) -> Result<Slot, Obstacle> {
        let slot = around.readers.slot(&self.place, at, &self.arrived);
        slot.map_err(|error| Obstacle::Trouble(error.to_string()))
    }

    fn front(&self) -> MutexGuard<'_, Front> {
        // A reader that panicked may have left its window without what it took; it begins anew where it ends.
        self.front.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn behind(&self) -> MutexGuard<'_, Vec<Slot>> {
        self.behind.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What all partitions share.
pub(super) struct Around<'a> {
    pub readers: &'a Readers,
    pub messages: &'a MessageReader,
    /// Of this partition.
    pub window_max_bytes: usize,
    /// Places apart from the window, at most.
    pub behind_max: usize,
}
