//! Why the log cannot take events in just now, in words for the person who has to mend it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use weir_core::log::LogError;

/// When a refused client should come again.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What may be wrong. Of several, the first is told: a full disk also keeps segments from being begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The file system is nearly full.
    DiskFull,
    /// A write or a sync failed, and no new segment could be begun yet.
    Broken,
    /// The disk has not answered for long.
    Stalled,
    /// `log.max_bytes` is used up. Unlike the others, it does not keep smaller entries from being tried.
    BudgetUsed,
}

const TROUBLES: usize = 4;

/// What is wrong just now.
#[derive(Default)]
pub(super) struct Health {
    reasons: Mutex<[Option<String>; TROUBLES]>,
    refusing: AtomicBool,
}

impl Health {
    /// Takes note of a trouble, or that it is over.
    pub(super) fn set(&self, trouble: Trouble, reason: Option<String>) {
        let mut reasons = self.reasons();
        let place = &mut reasons[trouble as usize];
        match (&place, &reason) {
            (None, Some(reason)) => tracing::error!(%reason, "the log takes no events"),
            (Some(_), None) => tracing::info!(trouble = ?trouble, "over: the log takes events again"),
            _ => {}
        }
        *place = reason;
        let refusing = reasons[..Trouble::BudgetUsed as usize].iter().any(Option::is_some);
        self.refusing.store(refusing, Ordering::Release);
    }

    /// Whether this is wrong.
    pub(super) fn has(&self, trouble: Trouble) -> bool {
        self.reasons()[trouble as usize].is_some()
    }

    /// The error for an entry that need not even be tried.
    pub(super) fn refusal(&self) -> Option<LogError> {
        // The way of nearly every append: nothing is wrong, and no lock is taken.
        if !self.refusing.load(Ordering::Acquire) {
            return None;
        }
        self.first_reason().map(refused)
    }

    /// What is wrong first of all.
    pub(super) fn first_reason(&self) -> Option<String> {
        self.reasons().iter().flatten().next().cloned()
    }

    fn reasons(&self) -> MutexGuard<'_, [Option<String>; TROUBLES]> {
        self.reasons.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The error for an entry that was not taken.
pub(super) fn refused(reason: impl Into<String>) -> LogError {
    LogError::Retry { reason: reason.into(), after: RETRY_AFTER }
}
