//! A group of batches, joined in one transaction.
//!
//! **Constraint.** Writers of one trace take turns, in whatever process they are; others do not wait for one another. All
//! take locks in one order, so that none waits in a circle, and few of them: the server has room for some thousands.

use std::collections::{BTreeMap, BTreeSet};

use weir_core::lineage::TelemetryRecord;
use weir_core::row_id::RowIds;

use super::blocks::part_of;
use super::schema::LOCK_CLASS;
use super::tables::PostgresTables;
use super::trace_rows;
use crate::lineage::shelf::{Found, Part, Place};
use crate::lineage::{digest, writing};
use crate::postgres::fault::Fault;

/// Held by all writers; by one alone that has very many traces.
const WRITING: i32 = 0;
/// Locks of this class are traces'; it reads `WLIT`.
const TRACE_CLASS: i32 = 0x574C_4954;
/// Who has more traces than this takes the place of all writers.
const LOCKS_MAX: usize = 64;
/// A trace of no more records is fetched whole: to look for its blocks would take longer.
const WHOLE_MAX_RECORDS: i64 = 2_000;

const LOCK_SHARED: &str = "SELECT pg_advisory_xact_lock_shared($1, $2)";
const LOCK_ALONE: &str = "SELECT pg_advisory_xact_lock($1, $2)";
const LOCK_TRACES: &str = "SELECT pg_advisory_xact_lock($1, l.key) FROM unnest($2::integer[]) AS l(key)";
const WHOLE_TRACES: &str = "SELECT first, items, trace, part FROM weir_lineage.blocks
    WHERE trace = ANY ($1) ORDER BY trace, part, first";
const LAST_BLOCKS: &str = "SELECT l.first, l.items, t.trace, p.part
    FROM unnest($1::bigint[]) AS t(trace) CROSS JOIN unnest($2::smallint[]) AS p(part) CROSS JOIN LATERAL (
        SELECT b.first, b.items FROM weir_lineage.blocks b
        WHERE b.trace = t.trace AND b.part = p.part ORDER BY b.first DESC LIMIT 1) l";

/// What became of a group.
pub(super) struct JoinedGroup {
    /// By batch: how many records were there before.
    pub repeats: Vec<u64>,
    /// Bytes of stored blocks that others have taken the place of.
    pub replaced_bytes: u64,
}

/// Joins batches, each as if it came alone.
pub(super) fn join(
    mut tables: PostgresTables<'_>,
    batches: &[&[TelemetryRecord]],
    row_ids: &RowIds,
) -> Result<JoinedGroup, Fault> {
    let keys: BTreeSet<&str> =
        batches.iter().flat_map(|batch| batch.iter().map(|record| &*record.trace)).collect();
    tables.session.tell("BEGIN")?;
    tables.lock(&keys)?;
    tables.fetch_traces(&keys)?;
    let join = |batch: &&[TelemetryRecord]| writing::join(&mut tables, batch, row_ids);
    let repeats = batches.iter().map(join).collect::<Result<_, _>>()?;
    Ok(JoinedGroup { repeats, replaced_bytes: tables.write()? })
}

impl PostgresTables<'_> {
    fn lock(&mut self, keys: &BTreeSet<&str>) -> Result<(), Fault> {
        if keys.len() > LOCKS_MAX {
            return self.session.query(LOCK_ALONE, &[&LOCK_CLASS, &WRITING]).map(drop);
        }
        let upper_half = |key: &&str| (digest(key) >> 32) as u32;
        let locks: BTreeSet<i32> = keys.iter().map(|key| upper_half(key).cast_signed()).collect();
        let locks: Vec<i32> = locks.into_iter().collect();
        self.session.query(LOCK_SHARED, &[&LOCK_CLASS, &WRITING])?;
        self.session.query(LOCK_TRACES, &[&TRACE_CLASS, &locks]).map(drop)
    }

    /// Fetches what is most likely needed: the traces' rows, all blocks of small ones, the last blocks of large ones.
    fn fetch_traces(&mut self, keys: &BTreeSet<&str>) -> Result<(), Fault> {
        self.traces = keys.iter().map(|key| (Box::from(*key), None)).collect();
        let digests: Vec<i64> = keys.iter().map(|key| digest(key).cast_signed()).collect();
        let (mut small, mut large) = (Vec::new(), Vec::new());
        for row in self.session.query(trace_rows::OF_DIGESTS, &[&digests])? {
            let row = trace_rows::read(&row)?;
            if keys.contains(&*row.key) {
                let traces = if row.records <= WHOLE_MAX_RECORDS { &mut small } else { &mut large };
                traces.push(row.id);
                self.traces.insert(row.key.clone(), Some(row));
            }
        }
        self.fetch_whole(&small)?;
        self.fetch_last(&large)
    }

    fn fetch_whole(&mut self, traces: &[i64]) -> Result<(), Fault> {
        if traces.is_empty() {
            return Ok(());
        }
        let rows = self.session.query(WHOLE_TRACES, &[&traces])?;
        let place = |row: &tokio_postgres::Row| {
            Ok::<_, Fault>(Place { trace: row.try_get("trace")?, part: part_of(row.try_get("part")?)? })
        };
        let mut rows = rows.iter().peekable();
        while let Some(row) = rows.next() {
            let place_of_row = place(row)?;
            let upper = match rows.peek() {
                Some(next) if place(next)? == place_of_row => Some(next.try_get("first")?),
                _ => None,
            };
            self.take_up(place_of_row, row, upper)?;
        }
        traces.iter().for_each(|trace| self.shelves.set_whole(*trace));
        Ok(())
    }

    fn fetch_last(&mut self, traces: &[i64]) -> Result<(), Fault> {
        if traces.is_empty() {
            return Ok(());
        }
        let parts = Part::ALL.map(|part| part as i16);
        let all = traces.iter().flat_map(|trace| Part::ALL.map(|part| Place { trace: *trace, part }));
        let mut without: BTreeMap<Place, ()> = all.map(|place| (place, ())).collect();
        for row in self.session.query(LAST_BLOCKS, &[&traces, &parts.as_slice()])? {
            let place = Place { trace: row.try_get("trace")?, part: part_of(row.try_get("part")?)? };
            without.remove(&place);
            self.take_up(place, &row, None)?;
        }
        without.into_keys().for_each(|place| self.shelves.add(place, Found::default(), 0));
        Ok(())
    }
}
