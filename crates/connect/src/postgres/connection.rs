//! One connection to the server, set up the way that every statement here relies on.
//!
//! **Constraint.** The server itself ends a statement that takes too long, and a transaction that nobody goes on with;
//! what is committed is on its disk.

use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio_postgres::{Client, Error};

use super::address::PostgresAddress;
use super::encryption::Encrypting;
use super::fault::judged;
use crate::Fault;

const VERSION_MIN: i32 = 120_000;

/// A connection; closed when dropped.
pub struct Connection<S> {
    /// Takes statements.
    pub client: Client,
    /// Prepared once for each connection, by whoever uses it.
    pub statements: Option<S>,
    pub(super) used_at: Instant,
    driver: JoinHandle<()>,
}

impl<S> Connection<S> {
    /// Connects and sets the session up.
    pub(super) async fn open(
        address: &PostgresAddress,
        encrypting: Encrypting,
        statement_timeout: Duration,
    ) -> Result<Self, Error> {
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
    pub async fn roll_back(&self) -> Result<(), Error> {
        self.client.batch_execute("ROLLBACK").await
    }

    /// Whether the server is one that Weir can work with.
    pub async fn check_server(&self) -> Result<(), Fault> {
        let query = "SELECT current_setting('server_version_num')::int, current_setting('server_version'), \
            current_setting('server_encoding')";
        let row = self.client.query_one(query, &[]).await.map_err(|error| judged(&error))?;
        let (number, version, encoding): (i32, &str, &str) = (row.get(0), row.get(1), row.get(2));
        if number < VERSION_MIN {
            return Err(Fault::Blocked(format!("this is Postgres {version}; Weir needs 12 or later")));
        }
        match encoding {
            "UTF8" => Ok(()),
            other => Err(Fault::Blocked(format!(
                "the database's encoding is {other}, which cannot hold every text; make one with ENCODING 'UTF8'"
            ))),
        }
    }
}

impl<S> Drop for Connection<S> {
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
