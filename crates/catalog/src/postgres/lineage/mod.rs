//! Lineage in a Postgres database, in the schema `weir_lineage`.
//!
//! **Constraints.** A batch is one transaction, durable before anybody hears of it. Several processes may write the same
//! traces: they take turns, and the graph is the same. Each question sees one moment, and neither waits for whoever writes
//! nor is waited for. A server that is away is connected to anew for ever, and nothing is refused for it.
//!
//! What records make of a trace, and how questions are answered, is [`crate::lineage`]'s, as in every driver; here is how
//! blocks and rows come from far away in few exchanges ([`blocks`], [`unwritten`]), and how they lie there in few bytes ([`packing`]).

mod blocks;
mod database;
mod joining;
mod line;
mod packing;
mod schema;
mod session;
mod shelves;
mod tables;
mod trace_rows;
mod unwritten;
mod upkeep;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use weir_connect::SettingsError;
use weir_connect::postgres::PostgresAddress;
use weir_core::lineage::{
    Direction, GraphPart, LineageError, LineageStore, Node, PageLimits, RecordChoice, RecordPage,
    RecordPlace, TelemetryRecord, Trace, TraceFilter, TracePage, WalkLimits, WholeGraph,
};
use weir_core::row_id::RowIds;

use super::fault::Fault;
use crate::lineage::questions;
use database::Database;
use tables::PostgresTables;
use writer::Writer;

/// How long a call may wait for its turn and its answer, before it is told to ask again.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Questions answered at once, each with a connection.
const READERS_MAX: usize = 3;

/// Lineage in a database. Dropping it lets what waits be written; [`PostgresLineage::close`] waits for that.
pub struct PostgresLineage {
    database: Arc<Database>,
    writer: Writer,
    turns: Arc<Semaphore>,
    upkeep: JoinHandle<()>,
}

impl PostgresLineage {
    /// Made ready without asking the server for anything. Called within a tokio runtime.
    pub fn start(address: PostgresAddress, row_ids: Arc<RowIds>) -> Result<Self, SettingsError> {
        let database = Arc::new(Database::new(address, row_ids)?);
        let writer = Writer::start(database.clone());
        let upkeep = tokio::spawn(upkeep::run(database.clone()));
        Ok(Self { database, writer, turns: Arc::new(Semaphore::new(READERS_MAX)), upkeep })
    }

    /// Brings the tables up to date. Whoever asks or joins first does so too; here one hears of what is in the way.
    pub async fn prepare(&self) -> Result<(), LineageError> {
        Ok(self.within(self.database.ready()).await?)
    }

    /// Writes what waits. Calls after it are refused.
    pub async fn close(&self) {
        self.upkeep.abort();
        self.turns.close();
        self.writer.close().await;
    }

    /// How much disk it takes, indexes and all.
    pub async fn size_bytes(&self) -> Result<u64, LineageError> {
        let query = "SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class
            WHERE relnamespace = 'weir_lineage'::regnamespace AND relkind = 'r'";
        let size = |tables: &mut PostgresTables<'_>| {
            let rows = tables.session.query(query, &[])?;
            rows.first().map_or(Ok(0), |row| Ok(row.try_get::<_, i64>(0)?.unsigned_abs()))
        };
        self.ask(size).await
    }

    /// Asks a question that sees one moment, however many statements it takes.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut PostgresTables<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, LineageError> {
        let (answer, answered) = oneshot::channel();
        let at_one_moment = move |mut tables: PostgresTables<'_>| {
            tables.session.post("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
            let found = question(&mut tables)?;
            // Nobody has to wait for the end of what changed nothing.
            let _ = answer.send(found);
            tables.session.tell("COMMIT")
        };
        let exchange = async {
            let turn = self.turns.clone().acquire_owned().await;
            let turn = turn.map_err(|_| Fault::Broken("the lineage is closed".to_owned()))?;
            self.database.ready().await?;
            let database = self.database.clone();
            let asking = tokio::task::spawn_blocking(move || {
                // Kept until the connection is back, even when nobody waits for the answer any more.
                let _turn = turn;
                database.with_tables(at_one_moment)
            });
            if let Ok(found) = answered.await {
                return Ok(found);
            }
            let none = Fault::Retry("the question was given up".to_owned());
            Err(match asking.await {
                Ok(asked) => asked.err().unwrap_or(none),
                Err(error) => Fault::Retry(format!("reading the lineage: {error}")),
            })
        };
        Ok(self.within(exchange).await?)
    }

    async fn within<T>(&self, exchange: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        let late = || Fault::Retry(format!("Postgres gave no answer within {ANSWER_TIMEOUT:?}"));
        tokio::time::timeout(ANSWER_TIMEOUT, exchange).await.unwrap_or_else(|_| Err(late()))
    }
}

impl Drop for PostgresLineage {
    fn drop(&mut self) {
        self.upkeep.abort();
    }
}

#[async_trait]
impl LineageStore for PostgresLineage {
    async fn check(&self) -> Result<(), LineageError> {
        self.ask(|tables| tables.session.query("SELECT id FROM weir_lineage.traces LIMIT 1", &[]).map(drop))
            .await
    }

    async fn join(&self, records: Vec<TelemetryRecord>) -> Result<u64, LineageError> {
        Ok(self.writer.join(records).await?)
    }

    async fn trace(&self, name: &str) -> Result<Option<Trace>, LineageError> {
        let name = name.to_owned();
        self.ask(move |tables| questions::trace(tables, &name)).await
    }

    async fn traces(
        &self,
        filter: &TraceFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<TracePage, LineageError> {
        let filter = filter.clone();
        self.ask(move |tables| questions::traces(tables, &filter, before, limit)).await
    }

    async fn graph(&self, trace: i64, nodes_max: usize) -> Result<WholeGraph, LineageError> {
        self.ask(move |tables| questions::graph(tables, trace, nodes_max)).await
    }

    async fn part(
        &self,
        node: i64,
        direction: Direction,
        limits: WalkLimits,
    ) -> Result<Option<GraphPart>, LineageError> {
        self.ask(move |tables| questions::part(tables, node, direction, limits)).await
    }

    async fn nodes(
        &self,
        name: &str,
        trace: Option<i64>,
        after: Option<i64>,
        limit: usize,
    ) -> Result<Vec<(i64, Node)>, LineageError> {
        let name = name.to_owned();
        self.ask(move |tables| questions::nodes(tables, &name, trace, after, limit)).await
    }

    async fn records(
        &self,
        trace: i64,
        choice: RecordChoice,
        after: Option<RecordPlace>,
        limits: PageLimits,
    ) -> Result<RecordPage, LineageError> {
        self.ask(move |tables| questions::records(tables, trace, choice, after.as_ref(), limits)).await
    }
}
