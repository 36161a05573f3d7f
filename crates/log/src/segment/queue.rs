//! Entries on their way to the disk. Bounded in bytes by the permits that each entry brings along.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use weir_core::log::{LogError, Span};

use super::encode::Encoded;
use super::rhythm::Rhythm;

/// Who waits for an entry, and for what.
pub(super) type Answer = oneshot::Sender<Result<Span, LogError>>;

/// An entry that waits for its turn.
pub(super) struct Pending {
    pub encoded: Encoded,
    pub answer: Answer,
    /// What it takes of the queue's room.
    pub permits: usize,
}

impl Pending {
    /// Tells whoever waits, if anybody still does.
    pub(super) fn answer(self, outcome: Result<Span, LogError>) {
        let _ = self.answer.send(outcome);
    }
}

/// What the writer finds when it looks.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Entries to write.
    Group,
    /// Nothing came for a while.
    Idle,
    /// Nothing more will come, and everything is written.
    Closed,
    /// Stop at once.
    Abandoned,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    Closing,
    Abandoned,
}

struct State {
    pending: Vec<Pending>,
    phase: Phase,
    /// The writer sleeps, and wants to be woken when so many wait; 0 while it is awake.
    wake_at: usize,
}

pub(super) struct Queue {
    state: Mutex<State>,
    work: Condvar,
}

impl Queue {
    pub(super) fn new() -> Self {
        let state = State { pending: Vec::new(), phase: Phase::Open, wake_at: 0 };
        Self { state: Mutex::new(state), work: Condvar::new() }
    }

    /// Puts an entry at the end.
    pub(super) fn push(&self, pending: Pending) -> Result<(), LogError> {
        let mut state = self.state();
        if state.phase != Phase::Open {
            return Err(LogError::Closed);
        }
        state.pending.push(pending);
        let wake = (1..=state.pending.len()).contains(&state.wake_at);
        if wake {
            state.wake_at = 0;
        }
        drop(state);
        if wake {
            self.work.notify_one();
        }
        Ok(())
    }

    /// Waits for entries, then for as many as the rhythm expects, and swaps them into `group`, which is empty.
    pub(super) fn take(&self, group: &mut Vec<Pending>, rhythm: &Rhythm, patience: Duration) -> Turn {
        let mut state = self.state();
        if state.pending.is_empty() && state.phase == Phase::Open {
            state = self.sleep(state, 1, patience);
        }
        if !state.pending.is_empty() {
            state = self.gather(state, rhythm);
        }
        match state.phase {
            Phase::Abandoned => Turn::Abandoned,
            _ if !state.pending.is_empty() => {
                std::mem::swap(&mut state.pending, group);
                Turn::Group
            }
            Phase::Closing => Turn::Closed,
            Phase::Open => Turn::Idle,
        }
    }

    /// Lets a group that has begun grow, as far as the rhythm holds that to be worth it.
    fn gather<'a>(&'a self, mut state: MutexGuard<'a, State>, rhythm: &Rhythm) -> MutexGuard<'a, State> {
        let patience = rhythm.patience();
        if state.pending.len() < rhythm.expected() && !patience.is_zero() {
            state = self.sleep(state, rhythm.expected(), patience);
        }
        state
    }

    /// Sleeps until so many wait, or until woken otherwise, or for as long as told.
    fn sleep<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        wake_at: usize,
        time: Duration,
    ) -> MutexGuard<'a, State> {
        state.wake_at = wake_at;
        let (mut state, _) = self.work.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner);
        state.wake_at = 0;
        state
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.state().pending.len()
    }

    /// Wakes the writer though there is nothing to write.
    pub(super) fn nudge(&self) {
        self.work.notify_one();
    }

    /// Takes nothing more; what is there is written.
    pub(super) fn close(&self) {
        self.enter(Phase::Closing);
    }

    /// Takes nothing more, and what is there is not written.
    pub(super) fn abandon(&self) {
        self.enter(Phase::Abandoned);
    }

    /// Takes out all that waits, unwritten.
    pub(super) fn drain(&self) -> Vec<Pending> {
        std::mem::take(&mut self.state().pending)
    }

    fn enter(&self, phase: Phase) {
        self.state().phase = phase;
        self.work.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
