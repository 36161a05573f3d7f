//! The tables, in an open transaction.

use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension, Params, Rows, params};

use super::trace_rows;
use crate::lineage::row::TraceRow;
use crate::lineage::shelf::{Blocks, Found, Place, Take};
use crate::lineage::tables::{GivenNames, Runs, Tables};
use crate::sqlite::fault::Fault;

/// The tables as one connection sees them.
pub(super) struct SqliteTables<'c> {
    connection: &'c Connection,
    /// A trace that has no blocks yet, so that none need be looked for.
    fresh: Option<i64>,
}

impl<'c> SqliteTables<'c> {
    pub fn new(connection: &'c Connection) -> Self {
        Self { connection, fresh: None }
    }

    /// The first column of every row.
    fn column<V: FromSql>(&self, query: &str, parameters: impl Params) -> Result<Vec<V>, Fault> {
        let mut statement = self.connection.prepare_cached(query)?;
        let rows = statement.query_map(parameters, |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Blocks for SqliteTables<'_> {
    type Error = Fault;
    const BLOCK_MAX_BYTES: usize = 940;

    fn find(&mut self, place: Place, key: &[u8]) -> Result<Found, Fault> {
        if self.fresh == Some(place.trace) {
            return Ok(Found::default());
        }
        let (trace, part) = (place.trace, place.part as i64);
        let found = self
            .connection
            .prepare_cached(
                "SELECT first, items FROM blocks WHERE trace = ?1 AND part = ?2 AND first <= ?3
                 ORDER BY first DESC LIMIT 1",
            )?
            .query_row(params![trace, part, key], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((first, block)) = found else { return Ok(Found::default()) };
        let upper = self
            .connection
            .prepare_cached(
                "SELECT first FROM blocks WHERE trace = ?1 AND part = ?2 AND first > ?3 ORDER BY first LIMIT 1",
            )?
            .query_row(params![trace, part, key], |row| row.get(0))
            .optional()?;
        Ok(Found { first, upper, block })
    }

    fn put(&mut self, place: Place, first: &[u8], block: &[u8]) -> Result<(), Fault> {
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO blocks (trace, part, first, items) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![place.trace, place.part as i64, first, block])?;
        Ok(())
    }

    fn each(&mut self, place: Place, from: &[u8], take: Take<'_, Fault>) -> Result<(), Fault> {
        let mut statement = self.connection.prepare_cached(
            "SELECT items FROM blocks WHERE trace = ?1 AND part = ?2 AND first >= coalesce(
                 (SELECT max(first) FROM blocks WHERE trace = ?1 AND part = ?2 AND first <= ?3), x'')
             ORDER BY first",
        )?;
        hand_on(statement.query(params![place.trace, place.part as i64, from])?, take)
    }

    fn each_back(&mut self, place: Place, from: Option<&[u8]>, take: Take<'_, Fault>) -> Result<(), Fault> {
        let (trace, part) = (place.trace, place.part as i64);
        match from {
            Some(from) => {
                let mut statement = self.connection.prepare_cached(
                    "SELECT items FROM blocks WHERE trace = ?1 AND part = ?2 AND first <= ?3 ORDER BY first DESC",
                )?;
                hand_on(statement.query(params![trace, part, from])?, take)
            }
            None => {
                let mut statement = self.connection.prepare_cached(
                    "SELECT items FROM blocks WHERE trace = ?1 AND part = ?2 ORDER BY first DESC",
                )?;
                hand_on(statement.query(params![trace, part])?, take)
            }
        }
    }
}

fn hand_on(mut rows: Rows<'_>, take: Take<'_, Fault>) -> Result<(), Fault> {
    while let Some(row) = rows.next()? {
        let items = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
        if take(items)?.is_break() {
            break;
        }
    }
    Ok(())
}

impl Runs for SqliteTables<'_> {
    fn runs(&mut self) -> Result<Vec<(i64, u32)>, Fault> {
        let query = "SELECT run, entries FROM key_run_sizes ORDER BY entries";
        let mut statement = self.connection.prepare_cached(query)?;
        let sizes = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(sizes.collect::<Result<_, _>>()?)
    }

    fn rows_of_digest(&mut self, digest: i64) -> Result<Vec<Vec<u8>>, Fault> {
        let mut rows = Vec::new();
        for run in self.column::<i64>("SELECT run FROM key_run_sizes", [])? {
            // Entries of one digest may begin in the row before the first one that begins with it.
            let query = "SELECT entries FROM key_runs WHERE run = ?1 AND first <= ?2 AND first >= coalesce(
                 (SELECT max(first) FROM key_runs WHERE run = ?1 AND first < ?2), ?2) ORDER BY first";
            rows.extend(self.column::<Vec<u8>>(query, params![run, digest])?);
        }
        Ok(rows)
    }

    fn rows_of_run(&mut self, run: i64) -> Result<Vec<Vec<u8>>, Fault> {
        self.column("SELECT entries FROM key_runs WHERE run = ?1 ORDER BY first", [run])
    }

    fn add_run(&mut self, rows: Vec<(i64, Vec<u8>)>, entries: u32) -> Result<(), Fault> {
        let next = self.column::<i64>("SELECT coalesce(max(run), 0) + 1 FROM key_run_sizes", [])?;
        let run = next.first();
        self.connection
            .prepare_cached("INSERT INTO key_run_sizes (run, entries) VALUES (?1, ?2)")?
            .execute(params![run, entries])?;
        let insert = "INSERT INTO key_runs (run, first, entries) VALUES (?1, ?2, ?3)";
        let mut insert = self.connection.prepare_cached(insert)?;
        for (first, row) in rows {
            insert.execute(params![run, first, row])?;
        }
        Ok(())
    }

    fn remove_run(&mut self, run: i64) -> Result<(), Fault> {
        self.connection.prepare_cached("DELETE FROM key_runs WHERE run = ?1")?.execute([run])?;
        self.connection.prepare_cached("DELETE FROM key_run_sizes WHERE run = ?1")?.execute([run])?;
        Ok(())
    }
}

impl Tables for SqliteTables<'_> {
    fn trace_of_id(&mut self, id: i64) -> Result<Option<TraceRow>, Fault> {
        trace_rows::by_id(self.connection, id)
    }

    fn trace_of_key(&mut self, key: &str) -> Result<Option<TraceRow>, Fault> {
        trace_rows::by_key(self.connection, key)
    }

    fn traces_below(
        &mut self,
        before: i64,
        user: Option<&str>,
        limit: usize,
    ) -> Result<Vec<TraceRow>, Fault> {
        trace_rows::below(self.connection, before, user, limit)
    }

    fn begin_trace(&mut self, row: &TraceRow) -> Result<(), Fault> {
        self.fresh = Some(row.id);
        trace_rows::begin(self.connection, row)
    }

    fn put_trace(&mut self, row: TraceRow) -> Result<(), Fault> {
        trace_rows::put(self.connection, &row)
    }

    fn names_given(&mut self, id: i64) -> Result<Option<GivenNames>, Fault> {
        let query = "SELECT first_id, trace, first_number FROM name_numbers WHERE first_id <= ?1
             ORDER BY first_id DESC LIMIT 1";
        let found = self.connection.prepare_cached(query)?.query_row([id], |row| {
            Ok(GivenNames { first_id: row.get(0)?, trace: row.get(1)?, first_number: row.get(2)? })
        });
        Ok(found.optional()?)
    }

    fn put_names_given(&mut self, names: GivenNames) -> Result<(), Fault> {
        let insert = "INSERT INTO name_numbers (first_id, trace, first_number) VALUES (?1, ?2, ?3)";
        let GivenNames { first_id, trace, first_number } = names;
        self.connection.prepare_cached(insert)?.execute(params![first_id, trace, first_number])?;
        Ok(())
    }
}
