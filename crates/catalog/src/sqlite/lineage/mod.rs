//! Lineage in one SQLite file, beside the catalog's.
//!
//! **Constraints.** The file is its own, so that large transactions never hold up settling: a database has one writer
//! at a time, and settling waits for nobody's telemetry. As in the catalog, one thread writes, every commit is synced
//! before anybody hears of it, and readers neither wait nor are waited for. Each question sees one moment.
//!
//! Losing one file of the two is not losing the other: lineage joins, so what is delivered again changes nothing, and
//! the catalog's accounts say what was delivered.

#[cfg(test)]
mod key_runs_tests;
mod tables;
#[cfg(test)]
mod tests;
mod trace_rows;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::Connection;
use weir_core::lineage::{
    Direction, GraphPart, LineageError, LineageStore, Node, PageLimits, RecordChoice, RecordPage,
    RecordPlace, TelemetryRecord, Trace, TraceFilter, TracePage, WalkLimits, WholeGraph,
};
use weir_core::row_id::RowIds;

use super::connection::Place;
use super::fault::Fault;
use super::migrations::{Schema, bring_up_to_date};
use super::readers::Readers;
use super::writer::Writer;
use crate::lineage::{key_runs, questions, writing};

use tables::SqliteTables;

/// Reads `WLIN`.
const SCHEMA: Schema = Schema {
    application_id: 0x574C_494E,
    what: "lineage",
    migrations: &[include_str!("migrations/0001_lineage.sql")],
    remedy: "move the file away, and lineage begins anew",
};
/// What a batch touches is spread over the file: it is written once in a while, not with every commit.
const CHECKPOINT_PAGES: u32 = 8_192;
const WRITER_CACHE_MAX_KIB: i64 = 64 << 10;

/// Lineage in a file. Dropping it lets what waits be written; [`SqliteLineage::close`] waits for that.
pub struct SqliteLineage {
    place: Place,
    writer: Writer,
    readers: Readers,
    row_ids: Arc<RowIds>,
}

impl SqliteLineage {
    /// Opens the file, made with its directories where it is not there, and brings its tables up to date.
    pub fn open(path: &Path, row_ids: Arc<RowIds>) -> Result<Self, LineageError> {
        Self::open_at(Place::new(path)?, row_ids)
    }

    fn open_at(place: Place, row_ids: Arc<RowIds>) -> Result<Self, LineageError> {
        let place = Place {
            what: SCHEMA.what,
            checkpoint_pages: CHECKPOINT_PAGES,
            writer_cache_max_kib: WRITER_CACHE_MAX_KIB,
            ..place
        };
        place.create_file()?;
        let mut connection = place.connect_to_write()?;
        bring_up_to_date(&SCHEMA, &mut connection, &place.path)?;
        if let Some(greatest) = questions::greatest_id(&mut SqliteTables::new(&connection))? {
            row_ids.go_on_after(greatest);
        }
        let writer = Writer::start(place.clone(), connection)?;
        let readers = Readers::new(place.clone());
        Ok(Self { place, writer, readers, row_ids })
    }

    /// Writes what waits, folds the write-ahead log into the file and closes it. Calls after it are refused.
    pub async fn close(&self) {
        self.writer.close().await;
        self.readers.close();
    }

    /// How much disk it takes.
    pub fn size_bytes(&self) -> u64 {
        self.place.size_bytes()
    }

    /// Asks a question that sees one moment, however many statements it takes.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut SqliteTables<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, LineageError> {
        let at_one_moment = |connection: &Connection| {
            let moment = connection.unchecked_transaction()?;
            question(&mut SqliteTables::new(&moment))
        };
        self.readers.read(at_one_moment).await
    }
}

#[async_trait]
impl LineageStore for SqliteLineage {
    async fn check(&self) -> Result<(), LineageError> {
        self.writer.write(|connection| Ok(connection.execute_batch("SELECT id FROM traces LIMIT 1")?)).await
    }

    async fn join(&self, records: Vec<TelemetryRecord>) -> Result<u64, LineageError> {
        let row_ids = self.row_ids.clone();
        let join = move |connection: &Connection| {
            let mut tables = SqliteTables::new(connection);
            let repeats = writing::join(&mut tables, &records, &row_ids)?;
            while key_runs::join_crowded(&mut tables)? {}
            Ok(repeats)
        };
        self.writer.write(join).await
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
