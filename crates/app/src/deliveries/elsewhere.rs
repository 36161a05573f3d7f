//! Sinks that processes of other roles bring events to. This process may have done so before, with the log that it has.
//!
//! **Constraint.** What was accepted for such a sink is not forgotten: while it lacks something, the log is held for it,
//! and it is told of. Once it lacks nothing it holds nothing up, whatever is accepted.

use std::collections::BTreeMap;

use weir_core::catalog::Account;
use weir_core::delivery::{DeliveryError, disclaim};
use weir_core::ledger::State;
use weir_core::sink::SinkName;

use super::Deliveries;

/// The sinks of the configuration that are not delivered to here, each with the roles that it is of.
#[derive(Clone, Debug, Default)]
pub struct SinksElsewhere(pub BTreeMap<SinkName, String>);

impl SinksElsewhere {
    /// Whether the sink is one of them.
    pub fn has(&self, sink: &SinkName) -> bool {
        self.0.contains_key(sink)
    }

    /// The roles that it is of, if it is one of them.
    pub fn roles(&self, sink: &SinkName) -> Option<&str> {
        self.0.get(sink).map(String::as_str)
    }
}

impl Deliveries {
    /// Keeps the account in sight, and the log while it lacks something of it.
    pub(super) async fn set_aside(&self, account: &Account) -> Result<(), DeliveryError> {
        let sink = &account.key.sink;
        if !account.key.lane.is_empty() {
            tracing::warn!(%sink, replay = %account.key.lane, "a replay is given up: its sink is of another role now");
            self.surroundings.catalog.forget(sink, &account.key.lane).await?;
            return Ok(());
        }
        let account = disclaim(&self.surroundings, account.clone()).await?;
        let (key, lacking) = (account.key.clone(), account.lacks());
        self.hold(&account, true).await?;
        self.surroundings.ledger.condition(&key, |condition| condition.state = State::Elsewhere);
        if lacking > 0 {
            tracing::warn!(
                %sink, pending = lacking, roles = self.elsewhere.roles(sink).unwrap_or_default(),
                "events were accepted here for this sink, which is of another role now; the log keeps them until this \
                 directory is used with that role, too (`weir run --role all`), or they are given up: `weir sinks forget {sink}`"
            );
        }
        Ok(())
    }
}
