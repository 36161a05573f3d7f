//! A connection with a runtime of its own.
//!
//! **Constraint.** Whoever waits for an answer here is woken by nobody but the server: a question is some twenty exchanges,
//! and to pass each from thread to thread takes longer than the server does.

use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;
use weir_connect::postgres::{Connection, Pool, PostgresAddress};

use super::database::within;
use super::session::{STATEMENT_TIMEOUT, Statements};
use crate::postgres::fault::Fault;

/// What came for a connection while nobody looked, such as its end, is noticed in so many turns.
const TURNS: usize = 3;

/// One user's at a time, on a thread that may wait.
pub(super) struct Line {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    connections: Pool<Statements>,
}

impl Line {
    /// Connects when it is used.
    pub fn new(address: PostgresAddress) -> Result<Self, Fault> {
        let retry =
            |error: &dyn std::fmt::Display| Fault::Retry(format!("getting ready to connect: {error}"));
        let connections = Pool::new(address, 1, STATEMENT_TIMEOUT).map_err(|error| retry(&error))?;
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| retry(&error))?;
        Ok(Self { runtime: Some(runtime), connections })
    }

    /// Does a piece of work over the connection, which is kept only where all went well.
    pub fn with<T>(
        &self,
        work: impl FnOnce(&Runtime, &mut Connection<Statements>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let closed = || Fault::Broken("the lineage is closed".to_owned());
        let runtime = self.runtime.as_ref().ok_or_else(closed)?;
        let taken = runtime.block_on(within(async {
            for _ in 0..TURNS {
                yield_now().await;
            }
            Ok(self.connections.take().await?)
        }));
        let mut lease = taken?;
        let done = work(runtime, &mut lease.connection)?;
        lease.give_back();
        Ok(done)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // Whoever drops it may be a task, which must not wait.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
