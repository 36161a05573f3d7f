//! The way from a node's key to the traces that have it.
//!
//! **Constraint.** Keys come in no order, and there are ever more of them: kept in one tree, each would touch another page.
//! So what a transaction brings is written as one sorted run, and runs of about one size are joined to a longer one when
//! there are [`RUNS_MAX`] of them, by the driver's own time. An entry is written anew a few times in its life, always beside its neighbours; a
//! look-up asks each run once.

use std::collections::BTreeSet;

use super::bytes::{Damaged, Input, put_number, put_step};
use super::tables::Runs;

/// The form of a row's entries.
const VERSION: u8 = 1;
const ROW_MAX_BYTES: usize = 940;
/// Runs of one size that may lie side by side.
const RUNS_MAX: usize = 8;
/// Runs of so many entries are joined no more: it would hold up whoever writes for too long.
const ENTRIES_MAX: u32 = 1 << 18;

/// A key's digest, and a trace that has it.
pub type Entry = (u64, i64);

/// Keeps entries, as a run of their own.
pub fn add<T: Runs>(tables: &mut T, mut entries: Vec<Entry>) -> Result<(), T::Error> {
    entries.sort_unstable();
    entries.dedup();
    let (mut rows, mut rest) = (Vec::new(), entries.as_slice());
    while let Some((digest, _)) = rest.first() {
        let (row, taken) = encode(rest);
        rows.push((sortable(*digest), row));
        rest = &rest[taken..];
    }
    match rows.is_empty() {
        true => Ok(()),
        false => tables.add_run(rows, u32::try_from(entries.len()).unwrap_or(u32::MAX)),
    }
}

/// Joins runs of one size where there are too many of it; whether there were.
pub fn join_crowded<T: Runs>(tables: &mut T) -> Result<bool, T::Error> {
    let Some(runs) = crowded(tables.runs()?) else { return Ok(false) };
    let mut joined = Vec::new();
    for run in runs {
        for row in tables.rows_of_run(run)? {
            joined.extend(decode(&row)?);
        }
        tables.remove_run(run)?;
    }
    add(tables, joined)?;
    Ok(true)
}

/// The lowest traces above `after` that may have a key of this digest, at most `limit`, rising.
pub fn find<T: Runs>(
    tables: &mut T,
    digest: u64,
    after: Option<i64>,
    limit: usize,
) -> Result<Vec<i64>, T::Error> {
    let mut found = BTreeSet::new();
    for row in tables.rows_of_digest(sortable(digest))? {
        let of_key = decode(&row)?.into_iter().filter(|(known, _)| *known == digest).map(|(_, trace)| trace);
        found.extend(of_key.filter(|trace| after.is_none_or(|after| *trace > after)));
        while found.len() > limit {
            found.pop_last();
        }
    }
    Ok(found.into_iter().collect())
}

/// Runs of one size, where there are too many of it, given all with the smallest first.
fn crowded(sizes: Vec<(i64, u32)>) -> Option<Vec<i64>> {
    let class = |(_, entries): &(i64, u32)| entries.max(&1).ilog2() / RUNS_MAX.ilog2();
    let small: Vec<(i64, u32)> = sizes.into_iter().filter(|(_, entries)| *entries < ENTRIES_MAX).collect();
    let crowded = small.chunk_by(|one, other| class(one) == class(other)).find(|runs| runs.len() >= RUNS_MAX);
    crowded.map(|runs| runs.iter().map(|(run, _)| *run).collect())
}

/// A row of the first entries, and how many it took. Entries of one digest that do not fit a row share it all the same,
/// so that no two rows begin alike.
fn encode(entries: &[Entry]) -> (Vec<u8>, usize) {
    let (mut row, mut before) = (vec![VERSION], (0, 0));
    for (place, (digest, trace)) in entries.iter().enumerate() {
        if row.len() > ROW_MAX_BYTES && *digest != before.0 {
            return (row, place);
        }
        put_number(&mut row, digest - before.0);
        put_step(&mut row, before.1, *trace);
        before = (*digest, *trace);
    }
    (row, entries.len())
}

fn decode(row: &[u8]) -> Result<Vec<Entry>, Damaged> {
    let mut input = Input(row);
    if input.byte()? != VERSION {
        return Err(Damaged);
    }
    let (mut entries, mut before) = (Vec::new(), (0_u64, 0));
    while !input.is_empty() {
        let digest = before.0.checked_add(input.number()?).ok_or(Damaged)?;
        before = (digest, input.step(before.1)?);
        entries.push(before);
    }
    Ok(entries)
}

/// The digest as a number with a sign that sorts the same.
fn sortable(digest: u64) -> i64 {
    (digest ^ 1 << 63).cast_signed()
}
