//! One delivery, begun anew whenever it could not go on, until it is told to stop or is done.
//!
//! **Constraint.** Beginning anew is what a restart does: the account is read again, and what is planned and not
//! settled is sent again under the same names.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, Notify, watch};
use weir_core::catalog::CatalogError;
use weir_core::delivery::{Assignment, Delivery, DeliveryError, Surroundings};
use weir_core::ledger::State;
use weir_core::sink::{Sink, SinkName};

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

/// A delivery and what it runs in.
pub struct Running {
    pub surroundings: Surroundings,
    pub assignment: Assignment,
    pub wishes: Arc<Wishes>,
    pub releasing: Arc<Mutex<()>>,
    pub stop: watch::Receiver<bool>,
}

impl Running {
    /// Delivers until told to stop, or to the end of a replay.
    pub async fn run(self) {
        let Assignment { key, sink, .. } = &self.assignment;
        tokio::spawn(check(key.sink.clone(), sink.clone()));
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
                Err(error) => Some(Err(error.into())),
            };
        }
    }

    /// `None` when it is to begin anew. What was under way is dropped then, as by a crash.
    async fn deliver(&self) -> Option<Result<(), DeliveryError>> {
        let resend = self.wishes.resend.clone();
        let delivery = Delivery::new(self.surroundings.clone(), self.assignment.clone(), resend);
        tokio::select! {
            ended = delivery.run(self.stop.clone()) => Some(ended),
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
    async fn recount(&self) -> Result<(), CatalogError> {
        let Surroundings { catalog, ledger, .. } = &self.surroundings;
        let Assignment { key, opening, .. } = &self.assignment;
        let _alone = self.releasing.lock().await;
        // Opening is a write, so it comes after whatever was asked for by what is dropped by now.
        let account = catalog.open_account(key, opening).await?;
        ledger.reopen(catalog.as_ref(), account).await
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

/// Lets a sink make what it needs, and tells early what would keep it from working. Nothing waits for it.
async fn check(name: SinkName, sink: Arc<dyn Sink>) {
    if let Err(error) = sink.check().await {
        tracing::warn!(sink = %name, error = %format_args!("{error:#}"), "the sink is not ready; it is tried on");
    }
}
