//! Waiting for an account to be settled past a place, and letting its delivery know that somebody does.
//!
//! **Constraint.** Nothing is kept of whoever no longer waits, so a sink that is away costs no memory.

use tokio::sync::watch;

use crate::event::Offset;

/// The places of one account that others hear of.
pub(super) struct Places {
    settled_before: watch::Sender<Offset>,
    awaited: watch::Sender<Offset>,
}

impl Places {
    pub fn new(settled_before: Offset) -> Self {
        let (settled_before, awaited) = (watch::Sender::new(settled_before), watch::Sender::default());
        Self { settled_before, awaited }
    }

    /// Everything before this is settled.
    pub fn settled(&self, before: Offset) {
        self.settled_before.send_if_modified(|told| std::mem::replace(told, before) != before);
    }

    /// Somebody waits until everything before `end` is settled.
    pub fn wait_for(&self, end: Offset) -> watch::Receiver<Offset> {
        self.awaited.send_if_modified(|furthest| {
            let is_further = end > *furthest;
            *furthest = end.max(*furthest);
            is_further
        });
        self.settled_before.subscribe()
    }

    pub fn awaited(&self) -> Awaited {
        Awaited(Some(self.awaited.subscribe()))
    }
}

/// How far of an account somebody has waited for; what lies before it is not to be held back for more to come.
#[derive(Clone, Debug, Default)]
pub struct Awaited(Option<watch::Receiver<Offset>>);

impl Awaited {
    /// Whether that is beyond `at`.
    pub fn is_past(&self, at: Offset) -> bool {
        self.0.as_ref().is_some_and(|furthest| *furthest.borrow() > at)
    }

    /// Returns when it is.
    pub async fn past(&self, at: Offset) {
        let mut furthest = self.0.clone();
        let is_past = match &mut furthest {
            Some(furthest) => furthest.wait_for(|furthest| *furthest > at).await.is_ok(),
            None => false,
        };
        if !is_past {
            // The account is gone, and nobody waits for it any more.
            std::future::pending::<()>().await;
        }
    }
}
