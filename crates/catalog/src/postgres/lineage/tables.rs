//! The tables, in an open transaction.
//!
//! **Constraint.** What is put is kept at hand, and written at once by [`PostgresTables::write`]: a batch costs a few
//! exchanges with the server, however many blocks it touches. Who looks for blocks one by one asks for each.

use std::collections::BTreeMap;

use tokio_postgres::Row;

use super::packing::Packing;
use super::session::Session;
use super::shelves::Shelves;
use super::trace_rows;
use super::unwritten::{NewRun, Unwritten};
use crate::lineage::row::TraceRow;
use crate::lineage::tables::{GivenNames, Runs, Tables};
use crate::lineage::{Damaged, digest};
use crate::postgres::fault::Fault;

/// The tables as one transaction sees them.
pub(super) struct PostgresTables<'c> {
    pub(super) session: Session<'c>,
    pub(super) packing: Packing,
    pub(super) shelves: Shelves,
    pub(super) unwritten: Unwritten,
    /// By key; `None` where it is known that there is none.
    pub(super) traces: BTreeMap<Box<str>, Option<TraceRow>>,
}

impl<'c> PostgresTables<'c> {
    pub fn new(session: Session<'c>) -> Result<Self, Fault> {
        Ok(Self {
            session,
            packing: Packing::new()?,
            shelves: Shelves::default(),
            unwritten: Unwritten::default(),
            traces: BTreeMap::new(),
        })
    }
}

impl Runs for PostgresTables<'_> {
    fn runs(&mut self) -> Result<Vec<(i64, u32)>, Fault> {
        let rows = self
            .session
            .query("SELECT run, entries FROM weir_lineage.key_run_sizes ORDER BY entries", &[])?;
        let size = |row: &Row| {
            let entries: i64 = row.try_get(1)?;
            Ok((row.try_get(0)?, u32::try_from(entries).unwrap_or(u32::MAX)))
        };
        rows.iter().map(size).collect()
    }

    fn rows_of_digest(&mut self, digest: i64) -> Result<Vec<Vec<u8>>, Fault> {
        // Entries of one digest may begin in the row before the first one that begins with it.
        let query = "
            SELECT r.entries FROM weir_lineage.key_run_sizes s CROSS JOIN LATERAL (
                SELECT k.entries FROM weir_lineage.key_runs k WHERE k.run = s.run AND k.first <= $1 AND k.first >= coalesce(
                    (SELECT b.first FROM weir_lineage.key_runs b
                        WHERE b.run = s.run AND b.first < $1 ORDER BY b.first DESC LIMIT 1), $1)) r";
        column(&self.session.query(query, &[&digest])?)
    }

    fn rows_of_run(&mut self, run: i64) -> Result<Vec<Vec<u8>>, Fault> {
        let query = "SELECT entries FROM weir_lineage.key_runs WHERE run = $1 ORDER BY first";
        column(&self.session.query(query, &[&run])?)
    }

    fn add_run(&mut self, rows: Vec<(i64, Vec<u8>)>, entries: u32) -> Result<(), Fault> {
        self.unwritten.runs.push(NewRun { rows, entries: i64::from(entries) });
        Ok(())
    }

    fn remove_run(&mut self, run: i64) -> Result<(), Fault> {
        self.session.execute("DELETE FROM weir_lineage.key_runs WHERE run = $1", &[&run])?;
        self.session.execute("DELETE FROM weir_lineage.key_run_sizes WHERE run = $1", &[&run])
    }
}

impl Tables for PostgresTables<'_> {
    fn trace_of_id(&mut self, id: i64) -> Result<Option<TraceRow>, Fault> {
        self.session.query(trace_rows::OF_ID, &[&id])?.first().map(trace_rows::read).transpose()
    }

    fn trace_of_key(&mut self, key: &str) -> Result<Option<TraceRow>, Fault> {
        if let Some(known) = self.traces.get(key) {
            return Ok(known.clone());
        }
        let digests = [digest(key).cast_signed()];
        let rows = self.session.query(trace_rows::OF_DIGESTS, &[&digests.as_slice()])?;
        let rows = rows.iter().map(trace_rows::read).collect::<Result<Vec<_>, _>>()?;
        Ok(rows.into_iter().find(|row| &*row.key == key))
    }

    fn traces_below(
        &mut self,
        before: i64,
        user: Option<&str>,
        limit: usize,
    ) -> Result<Vec<TraceRow>, Fault> {
        let limit = limit as i64;
        let rows = match user.map(trace_rows::storable) {
            Some(user) => self.session.query(trace_rows::BELOW_OF_USER, &[&before, &limit, &user])?,
            None => self.session.query(trace_rows::BELOW, &[&before, &limit])?,
        };
        rows.iter().map(trace_rows::read).collect()
    }

    fn begin_trace(&mut self, row: &TraceRow) -> Result<(), Fault> {
        self.shelves.set_whole(row.id);
        self.unwritten.new_traces.push((digest(&row.key).cast_signed(), row.id));
        Ok(())
    }

    fn put_trace(&mut self, row: TraceRow) -> Result<(), Fault> {
        self.unwritten.traces.insert(row.key.clone());
        self.traces.insert(row.key.clone(), Some(row));
        Ok(())
    }

    fn names_given(&mut self, id: i64) -> Result<Option<GivenNames>, Fault> {
        let query = "SELECT first_id, trace, first_number FROM weir_lineage.name_numbers
            WHERE first_id <= $1 ORDER BY first_id DESC LIMIT 1";
        let rows = self.session.query(query, &[&id])?;
        let Some(row) = rows.first() else { return Ok(None) };
        let first_number: i64 = row.try_get(2)?;
        let first_number = u32::try_from(first_number).map_err(|_| Damaged)?;
        Ok(Some(GivenNames { first_id: row.try_get(0)?, trace: row.try_get(1)?, first_number }))
    }

    fn put_names_given(&mut self, names: GivenNames) -> Result<(), Fault> {
        self.unwritten.names.push(names);
        Ok(())
    }
}

fn column(rows: &[Row]) -> Result<Vec<Vec<u8>>, Fault> {
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}
