//! Entries on their way to the disk. Bounded in bytes by the permits that each entry brings along.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use weir_core::log::{LogError, Span};

use super::encode::Encoded;

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
    /// The writer sleeps and wants to be woken.
    asleep: bool,
}

pub(super) struct Queue {
    state: Mutex<State>,
    work: Condvar,
}

impl Queue {
    pub(super) fn new() -> Self {
        let state = State { pending: Vec::new(), phase: Phase::Open, asleep: false };
        Self { state: Mutex::new(state), work: Condvar::new() }
    }

    /// Puts an entry at the end.
    pub(super) fn push(&self, pending: Pending) -> Result<(), LogError> {
        let mut state = self.state();
        if state.phase != Phase::Open {
            return Err(LogError::Closed);
        }
        state.pending.push(pending);
        let asleep = std::mem::take(&mut state.asleep);
        drop(state);
        if asleep {
            self.work.notify_one();
        }
        Ok(())
    }

    /// Waits for entries, and swaps them into `group`, which is empty.
    pub(super) fn take(&self, group: &mut Vec<Pending>, patience: Duration) -> Turn {
        let mut state = self.state();
        let mut waited = false;
        loop {
            match state.phase {
                Phase::Abandoned => return Turn::Abandoned,
                Phase::Closing if state.pending.is_empty() => return Turn::Closed,
                _ if !state.pending.is_empty() => {
                    std::mem::swap(&mut state.pending, group);
                    return Turn::Group;
                }
                _ if waited => return Turn::Idle,
                _ => {}
            }
            state.asleep = true;
            state = self.work.wait_timeout(state, patience).unwrap_or_else(PoisonError::into_inner).0;
            state.asleep = false;
            waited = true;
        }
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
