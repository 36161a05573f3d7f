//! One connection to the server, set up the way that every statement here relies on.
//!
//! **Constraint.** The server itself ends a statement that takes too long, and a transaction that nobody goes on with;
//! what is committed is on its disk.

use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::address::Address;
use super::fault::{self, Fault};
use super::statements::Statements;
use super::tls::Encrypting;

/// A connection; closed when dropped.
pub(super) struct Connection {
    pub client: Client,
    /// Prepared once for each connection.
    pub statements: Option<Statements>,
    pub used_at: Instant,
    driver: JoinHandle<()>,
}

impl Connection {
    /// Connects and sets the session up.
    pub async fn open(
        address: &Address,
        encrypting: Encrypting,
        statement_timeout: Duration,
    ) -> Result<Self, Fault> {
        let (client, connection) = address.config.connect(encrypting).await?;
        let driver = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to Postgres has ended");
            }
        });
        let connection = Self { client, statements: None, used_at: Instant::now(), driver };
        connection.client.batch_execute(&session(statement_timeout)).await?;
        Ok(connection)
    }

    /// Gives up what is under way; an error where the connection is of no more use.
    pub async fn roll_back(&self) -> Result<(), Fault> {
        Ok(self.client.batch_execute("ROLLBACK").await?)
    }

    /// Statements of one transaction without answers; all of them or none.
    pub async fn change(&self, statements: &[String]) -> Result<(), Fault> {
        let script = format!("BEGIN;\n{};\nCOMMIT", statements.join(";\n"));
        match self.client.batch_execute(&script).await {
            Ok(()) => Ok(()),
            Err(error) => {
                self.roll_back().await?;
                // Another Weir was faster.
                let is_made =
                    [SqlState::DUPLICATE_TABLE, SqlState::DUPLICATE_OBJECT, SqlState::UNIQUE_VIOLATION];
                match is_made.iter().any(|code| fault::is(&error, code)) {
                    true => Err(Fault::Changed(format!("somebody else makes the same tables now: {error}"))),
                    false => Err(error.into()),
                }
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Few statements run here, and always over an index: to have them planned anew each time, by statistics that a young
/// partition has none of, costs more than it gains.
fn session(statement_timeout: Duration) -> String {
    let milliseconds = statement_timeout.as_millis().max(1);
    format!(
        "SET TimeZone = 'UTC'; SET client_min_messages = warning; \
         SET statement_timeout = {milliseconds}; SET idle_in_transaction_session_timeout = {milliseconds}; \
         SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET jit = off; \
         SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
}
