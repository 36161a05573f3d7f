//! What a person asks of a sink: whether it is well, to wait, to go on, to be forgotten.
//!
//! **Constraints.** The catalog comes first, so what was answered outlives the process. Only a sink that is not
//! delivered to here can be forgotten.

use std::sync::Arc;
use std::time::Duration;

use weir_core::catalog::{Account, AccountKey, Catalog, CatalogError};
use weir_core::delivery::Surroundings;
use weir_core::event::{Offset, Stream};
use weir_core::ledger::State;
use weir_core::sink::SinkName;

use super::Deliveries;

/// How long a sink may take to say how it is: less than a question may take.
const CHECK_TIMEOUT: Duration = Duration::from_secs(9);

/// Why a sink was left as it is.
#[derive(Debug, thiserror::Error)]
pub enum TendError {
    /// Nobody knows it.
    #[error("there is no sink \"{0}\"")]
    Unknown(String),
    /// It is no longer configured, so there is nothing to be done with it but to forget it.
    #[error("the sink \"{0}\" is no longer configured: put it back, or forget it (`weir sinks forget {0}`)")]
    Removed(String),
    /// Processes of other roles bring it its events.
    #[error("the sink \"{name}\" is of the role {roles}: ask a Weir of that role, as with --url")]
    Elsewhere {
        /// The sink.
        name: String,
        /// What it is of.
        roles: String,
    },
    /// It is configured, so it cannot be forgotten.
    #[error(
        "the sink \"{0}\" is configured; take it out of the settings and start Weir anew, then it can be forgotten"
    )]
    Configured(String),
    /// Its name was not repeated.
    #[error(
        "to forget the sink \"{name}\" gives up {} events that it has not got and {} dead letters; \
         to do it, say its name again: {{\"confirm\":\"{name}\"}}", .lost.pending, .lost.dead
    )]
    Unconfirmed {
        /// The sink.
        name: String,
        /// What would be lost.
        lost: Forgotten,
    },
    /// The catalog does not answer.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

/// What is given up with a sink.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Events it would have got.
    pub pending: u64,
    /// Events it refused for good.
    pub dead: u64,
}

impl Deliveries {
    /// Whether the sink would store what it is handed; else what is wrong and what would mend it.
    pub async fn check(&self, name: &str) -> Result<Result<(), String>, TendError> {
        let sink = self.sinks.get(&SinkName(name.into())).ok_or_else(|| self.stranger(name))?;
        let checked = tokio::time::timeout(CHECK_TIMEOUT, sink.sink.check()).await;
        Ok(match checked {
            Ok(outcome) => outcome.map_err(|error| format!("{error:#}")),
            Err(_) => Err(format!("it has not said how it is within {CHECK_TIMEOUT:?}")),
        })
    }

    /// Whether the sink is delivered to here and takes events of this stream.
    pub fn takes(&self, sink: &SinkName, stream: &Stream) -> bool {
        self.sinks.get(sink).is_some_and(|sink| sink.route.takes(stream))
    }

    /// Whether a person has paused the sink.
    pub fn is_paused(&self, sink: &SinkName) -> bool {
        self.gates.get(sink).is_some_and(|gate| !gate.is_open())
    }

    /// Returns when the sink has settled everything that the log holds before `end`. False where it never will.
    pub async fn until_settled(&self, sink: &SinkName, end: Offset) -> bool {
        let Surroundings { log, ledger, .. } = &self.surroundings;
        let Some(partition) = log.partitions().pop() else { return false };
        ledger.until_settled(&AccountKey::main(sink, &partition), end).await
    }

    /// Has a sink wait, or go on; also after a restart. What is with the sink already is finished.
    ///
    /// It goes on when the caller no longer waits, so that memory is not left behind the catalog.
    pub async fn pause(self: &Arc<Self>, name: &str, paused: bool) -> Result<(), TendError> {
        let name = SinkName(name.into());
        let gate = self.gates.get(&name).cloned().ok_or_else(|| self.stranger(&name.0))?;
        let deliveries = Arc::clone(self);
        let pausing = async move {
            let _alone = deliveries.tending.lock().await;
            deliveries.surroundings.catalog.pause(&name, paused).await?;
            gate.set_open(!paused);
            deliveries.surroundings.ledger.pause(&name, paused);
            let told = if paused { "paused; its events wait in the log" } else { "resumed" };
            tracing::info!(sink = %name, "the sink is {told}");
            Ok(())
        };
        tokio::spawn(pausing).await.unwrap_or_else(|error| Err(CatalogError::Retry(error.into()).into()))
    }

    /// Gives up a sink that is no longer configured, or is of another role, with all that it has not got from here, and
    /// lets the log go. `confirm` must be its name.
    pub async fn forget(self: &Arc<Self>, name: &str, confirm: &str) -> Result<Forgotten, TendError> {
        let sink = SinkName(name.into());
        if self.sinks.contains_key(&sink) {
            return Err(TendError::Configured(name.to_owned()));
        }
        let lost = self.given_up_with(&sink).ok_or_else(|| self.stranger(name))?;
        if confirm != name {
            return Err(TendError::Unconfirmed { name: name.to_owned(), lost });
        }
        let deliveries = Arc::clone(self);
        let forgetting = async move {
            let _alone = deliveries.tending.lock().await;
            let _unreleased = deliveries.releasing.lock().await;
            for progress in deliveries.progress_of_all() {
                match progress.forget(&sink, "").await {
                    Err(CatalogError::Broken(error)) => {
                        tracing::warn!(error = %format_args!("{error:#}"), "a partition went before the sink was forgotten");
                    }
                    decided => drop(decided?),
                }
            }
            deliveries.surroundings.catalog.forget(&sink, "").await?;
            deliveries.surroundings.ledger.forget(&sink);
            tracing::warn!(sink = %sink, pending = lost.pending, dead = lost.dead, "a sink was forgotten");
            deliveries.let_the_log_go().await;
            Ok(lost)
        };
        tokio::spawn(forgetting).await.unwrap_or_else(|error| Err(CatalogError::Retry(error.into()).into()))
    }

    fn given_up_with(&self, sink: &SinkName) -> Option<Forgotten> {
        let snapshot = self.surroundings.ledger.snapshot();
        let mut standings = snapshot.sinks.iter().filter(|standing| standing.sink == *sink).peekable();
        standings.peek()?;
        Some(standings.fold(Forgotten::default(), |lost, standing| Forgotten {
            pending: lost.pending + standing.pending,
            dead: lost.dead + standing.dead,
        }))
    }

    /// With the next batch it would happen anyway; but there may be none for long.
    async fn let_the_log_go(&self) {
        let log = &self.surroundings.log;
        for partition in log.partitions() {
            let Some(before) = self.surroundings.ledger.settled_before(&partition) else { continue };
            if let Err(error) = log.release(&partition, before).await {
                tracing::warn!(%error, "the log could not be trimmed; it is tried again with the next batch");
            }
        }
    }

    /// Why a name is none of a sink that is configured.
    fn stranger(&self, name: &str) -> TendError {
        if let Some(roles) = self.elsewhere.roles(&SinkName(name.into())) {
            return TendError::Elsewhere { name: name.to_owned(), roles: roles.to_owned() };
        }
        match self.given_up_with(&SinkName(name.into())) {
            Some(_) => TendError::Removed(name.to_owned()),
            None => TendError::Unknown(name.to_owned()),
        }
    }

    /// A sink is known by its name. Where one came and another went that has not got all, the two may be one to whoever
    /// wrote the settings.
    pub(super) fn warn_of_renaming(&self, known: &[Account]) {
        let is_new = |name: &&SinkName| known.iter().all(|account| account.key.sink != **name);
        let added: Vec<&str> = self.sinks.keys().filter(is_new).map(|name| &*name.0).collect();
        if added.is_empty() {
            return;
        }
        let added = added.join(", ");
        for standing in self.surroundings.ledger.snapshot().sinks {
            if standing.condition.state == State::Removed && standing.pending > 0 {
                tracing::warn!(
                    sink = %standing.sink, added, pending = standing.pending,
                    "a sink that is no longer configured has not got all of its events, and there is a new one. If it was \
                     renamed: a renamed sink is a new sink, and what is pending stays with the old name. Put the old name \
                     back beside the new one until nothing is pending, or give that up with `weir sinks forget {}`",
                    standing.sink
                );
            }
        }
    }
}
