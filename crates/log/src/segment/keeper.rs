//! The thread that keeps house: trims what is released, watches the free space and the disk's patience.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::health::{Trouble, refused};
use super::inner::{Inner, lock, now};
use super::shelf::Segment;

const LOOK_AROUND_EVERY: Duration = Duration::from_millis(250);
/// So many segments' room is kept free of the budget by trimming ahead, if there is anything to trim.
const SEGMENTS_AHEAD: u64 = 2;
/// A segment is not ended for its age before this.
const ROLL_AGE_MIN: Duration = Duration::from_secs(10);

/// Tells the keeper to look around now, or to stop.
#[derive(Default)]
pub(super) struct Bell {
    state: Mutex<(bool, bool)>,
    rung: Condvar,
}

impl Bell {
    pub(super) fn ring(&self) {
        lock(&self.state).0 = true;
        self.rung.notify_one();
    }

    pub(super) fn stop(&self) {
        lock(&self.state).1 = true;
        self.rung.notify_one();
    }

    /// Waits; false when it is time to stop.
    fn wait(&self) -> bool {
        let state = lock(&self.state);
        let quiet = |state: &mut (bool, bool)| !state.0 && !state.1;
        let waited = self.rung.wait_timeout_while(state, LOOK_AROUND_EVERY, quiet);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.0 = false;
        !state.1
    }
}

/// Keeps house until told to stop.
pub(super) fn run(inner: &Arc<Inner>) {
    while inner.bell.wait() {
        check_floor(inner);
        watch_patience(inner);
        trim(inner, inner.settings.segment_bytes * SEGMENTS_AHEAD);
        want_roll(inner);
    }
}

/// Refuses events while the file system has too little left, after trimming what can be trimmed.
pub(super) fn check_floor(inner: &Inner) {
    let (dir, floor) = (&inner.settings.dir, inner.settings.free_min_bytes);
    let Ok(mut free) = inner.disk.free_bytes(dir) else { return };
    while free < floor && remove_oldest(inner, |_| true) {
        let Ok(now_free) = inner.disk.free_bytes(dir) else { return };
        free = now_free;
    }
    let reason = format!(
        "{} has {free} bytes left, less than log.free_min_bytes ({floor}): free some space, or lower it",
        dir.display()
    );
    let short = free < floor;
    if short || inner.health.has(Trouble::DiskFull) {
        inner.health.set(Trouble::DiskFull, short.then_some(reason));
    }
}

/// Removes released segments: those beyond the retention, and whatever it takes to have `bytes` of the budget left.
pub(super) fn trim(inner: &Inner, bytes: u64) {
    let (retention, retained_max_bytes) = (inner.settings.retention, inner.settings.retention_max_bytes);
    let now = now();
    loop {
        let crowded = inner.budget_left() < bytes;
        let retained_bytes = inner.shelf.bytes_before(inner.released());
        let expired = |segment: &Segment| now.since(segment.received_max()) > retention;
        let removable =
            |segment: &Segment| crowded || retained_bytes > retained_max_bytes || expired(segment);
        if !remove_oldest(inner, removable) {
            return;
        }
        if inner.health.has(Trouble::BudgetUsed) {
            inner.health.set(Trouble::BudgetUsed, None);
        }
    }
}

fn remove_oldest(inner: &Inner, removable: impl FnOnce(&Segment) -> bool) -> bool {
    let released = inner.released();
    let Some(segment) = inner.shelf.pop(|segment, next| next.base <= released && removable(segment)) else {
        return false;
    };
    if let Err(error) = inner.disk.remove(&segment.path) {
        let file = segment.path.display();
        tracing::warn!(%file, %error, "a released segment could not be removed; remove it by hand");
    }
    true
}

/// Asks the writer for a new segment when everything in the newest is released and has been kept long enough, or
/// when it has been written to for so long that its first events are kept much longer than they need.
fn want_roll(inner: &Inner) {
    let Some((newest, None)) = inner.shelf.find(inner.end()) else { return };
    let retention = inner.settings.retention;
    let all_released = inner.released() >= inner.end();
    let expired = all_released && now().since(newest.received_max()) > retention;
    let old = now().since(newest.begun_at) > retention.max(ROLL_AGE_MIN);
    if !newest.is_empty() && (expired || old) {
        inner.roll_wanted.store(true, Ordering::Release);
        inner.queue.nudge();
    }
}

/// Answers those who have waited too long for the disk: it may hang for good, and nobody waits for ever.
fn watch_patience(inner: &Inner) {
    let patience = inner.settings.append_timeout;
    let (stalled, answers) = {
        let mut under_way = inner.under_way();
        let since = under_way.since.filter(|since| since.elapsed() > patience);
        let answers = since.map(|_| std::mem::take(&mut under_way.answers));
        (since.is_some(), answers.unwrap_or_default())
    };
    if !stalled {
        if inner.health.has(Trouble::Stalled) {
            inner.health.set(Trouble::Stalled, None);
        }
        return;
    }
    let reason = format!("the disk under {} has not answered for {patience:?}", inner.settings.dir.display());
    inner.health.set(Trouble::Stalled, Some(reason.clone()));
    for (answer, _) in answers {
        let _ = answer.send(Err(refused(reason.clone())));
    }
    for pending in inner.queue.drain() {
        inner.room.add_permits(pending.permits);
        pending.answer(Err(refused(reason.clone())));
    }
}
