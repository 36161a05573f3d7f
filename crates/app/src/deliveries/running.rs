//! One delivery, begun anew whenever it could not go on, until it is told to stop or is done.
//!
//! **Constraint.** Beginning anew is what a restart does: the account is read again, and what is planned and not
//! settled is sent again under the same names.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, Notify, watch};
use weir_core::delivery::{Assignment, Delivery, DeliveryError, Surroundings, claim};
use weir_core::ledger::State;

/// How long a delivery that cannot go on waits before it begins anew.
const RESTART_DELAY: Duration = Duration::from_secs(10);

/// What others ask of a delivery.
#[derive(Default)]
pub struct Wishes {
    /// Dead letters were released to be sent again.
    pub resend: Arc<Notify>,
    /// What the account holds is no longer known for sure.
    pub begin_anew: Notify,
}

/// What of an account's work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// Dead letters are sent again; another instance has the partition.
    Resending,
}

/// A delivery and what it runs in.
pub struct Running {
    pub surroundings: Surroundings,
    pub assignment: Assignment,
    pub wishes: Arc<Wishes>,
    pub releasing: Arc<Mutex<()>>,
    pub part: Part,
    pub stop: watch::Receiver<bool>,
}

impl Running {
    /// Delivers until told to stop, or to the end of a replay.
    pub async fn run(self) {
        let Assignment { key, .. } = &self.assignment;
        let mut begun = self.deliver().await;
        loop {
            match begun {
                Some(Ok(())) => return self.finish().await,
                Some(Err(error)) => {
                    if self.stopped_while_blocked(&error).await {
                        return;
                    }
                }
                None => {
                    tracing::info!(sink = %key.sink, "delivery begins anew, as an answer of the catalog was lost");
                }
            }
            begun = match self.recount().await {
                Ok(()) => self.deliver().await,
                Err(error) => Some(Err(error)),
            };
        }
    }

    /// `None` when it is to begin anew. What was under way is dropped then, as by a crash.
    async fn deliver(&self) -> Option<Result<(), DeliveryError>> {
        let resend = self.wishes.resend.clone();
        let delivery = Delivery::new(self.surroundings.clone(), self.assignment.clone(), resend);
        let run = async {
            match self.part {
                Part::Whole => delivery.run(self.stop.clone()).await,
                Part::Resending => delivery.run_resending(self.stop.clone()).await,
            }
        };
        tokio::select! {
            ended = run => Some(ended),
            () = self.wishes.begin_anew.notified() => None,
            () = self.stopped_while_paused() => Some(Ok(())),
        }
    }

    /// A delivery that is held at its gate does not hear that it is to stop. It has nothing under way.
    async fn stopped_while_paused(&self) {
        let mut stop = self.stop.clone();
        // That nobody can tell it to stop any more is the end as well.
        let _ = stop.wait_for(|stop| *stop).await;
        if self.assignment.gate.is_open() {
            std::future::pending::<()>().await;
        }
    }

    /// Brings the ledger to what the catalog holds, while nobody changes either.
    async fn recount(&self) -> Result<(), DeliveryError> {
        let Surroundings { catalog, ledger, .. } = &self.surroundings;
        let Assignment { key, opening, route, .. } = &self.assignment;
        let _alone = self.releasing.lock().await;
        // Opening is a write, so it comes after whatever was asked for by what is dropped by now.
        let mut account = catalog.open_account(key, opening).await?;
        if key.lane.is_empty() {
            account = claim(&self.surroundings, account, route.streams()).await?;
        }
        Ok(ledger.reopen(catalog.as_ref(), account).await?)
    }

    /// A replay that has come to its end leaves nothing behind.
    async fn finish(&self) {
        let Assignment { key, opening, .. } = &self.assignment;
        if opening.until.is_none() || *self.stop.borrow() {
            return;
        }
        tracing::info!(sink = %key.sink, replay = %key.lane, "replay done");
        self.surroundings.ledger.close(key);
        if let Err(error) = self.surroundings.catalog.forget(&key.sink, &key.lane).await {
            tracing::warn!(%error, "the finished replay could not be removed; it ends again after the next start");
        }
    }

    async fn stopped_while_blocked(&self, error: &DeliveryError) -> bool {
        let key = &self.assignment.key;
        let text = format!("{error:#}");
        tracing::error!(sink = %key.sink, error = %text, "delivery stopped; it begins anew in {RESTART_DELAY:?}");
        self.surroundings.ledger.condition(key, |condition| condition.state = State::Blocked);
        let mut stop = self.stop.clone();
        let stopped = stop.wait_for(|stop| *stop);
        tokio::time::timeout(RESTART_DELAY, stopped).await.is_ok()
    }
}
