//! A connection as a thread uses it that may wait: what blocks and tables are read and written through.
//!
//! **Constraint.** No exchange waits for longer than [`EXCHANGE_TIMEOUT`], whatever stands between here and the server.

use std::collections::HashMap;
use std::pin::pin;
use std::time::Duration;

use futures::poll;
use tokio::runtime::Runtime;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement};
use weir_connect::postgres::Connection;

use crate::postgres::fault::Fault;

/// A little longer than the server may take for a statement, so that mostly the server itself says that it took too long.
pub(super) const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(25);
/// The server ends a statement then.
pub(super) const STATEMENT_TIMEOUT: Duration = Duration::from_secs(20);

/// Prepared statements, by their text.
pub(super) type Statements = HashMap<&'static str, Statement>;

/// What a statement is given.
pub(super) type Parameters<'p> = &'p [&'p (dyn ToSql + Sync)];

/// A connection at work.
pub(super) struct Session<'c> {
    runtime: &'c Runtime,
    connection: &'c mut Connection<Statements>,
}

impl<'c> Session<'c> {
    pub fn new(runtime: &'c Runtime, connection: &'c mut Connection<Statements>) -> Self {
        Self { runtime, connection }
    }

    pub fn client(&self) -> &Client {
        &self.connection.client
    }

    /// Waits for an exchange with the server.
    pub fn run<T>(
        &self,
        exchange: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Fault> {
        let limited = async { tokio::time::timeout(EXCHANGE_TIMEOUT, exchange).await };
        let answer = self.runtime.block_on(limited);
        let late = |_| Fault::Retry(format!("no answer within {EXCHANGE_TIMEOUT:?}"));
        Ok(answer.map_err(late)??)
    }

    /// The statement of this text, prepared once for each connection.
    pub fn statement(&mut self, text: &'static str) -> Result<Statement, Fault> {
        if let Some(known) = self.connection.statements.as_ref().and_then(|known| known.get(text)) {
            return Ok(known.clone());
        }
        let prepared = self.run(self.connection.client.prepare(text))?;
        self.connection.statements.get_or_insert_default().insert(text, prepared.clone());
        Ok(prepared)
    }

    /// The rows that a statement finds.
    pub fn query(&mut self, text: &'static str, parameters: Parameters<'_>) -> Result<Vec<Row>, Fault> {
        let statement = self.statement(text)?;
        self.run(self.client().query(&statement, parameters))
    }

    /// Does as it is told, without an answer.
    pub fn execute(&mut self, text: &'static str, parameters: Parameters<'_>) -> Result<(), Fault> {
        let statement = self.statement(text)?;
        self.run(self.client().execute(&statement, parameters)).map(drop)
    }

    /// Sends a script along with what comes next. A connection over which it cannot be had serves nothing after it either.
    pub fn post(&self, script: &str) {
        self.runtime.block_on(async {
            // What is polled is sent; its answer comes before those of all that follow.
            let _ = poll!(pin!(self.client().batch_execute(script)));
        });
    }

    /// The same, of a script without parameters.
    pub fn tell(&self, script: &str) -> Result<(), Fault> {
        self.run(self.client().batch_execute(script))
    }
}
