//! The table `plans`: fixing batches, and settling them; and places, which are brought to it from elsewhere.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};
use weir_core::catalog::{AccountKey, Place, Plan, Settlement};
use weir_core::event::Offset;

use super::accounts::{self, Counts};
use super::fault::Fault;
use super::letters;
use crate::rows::to_number;

pub(super) fn plan(connection: &Connection, plans: &[Plan]) -> Result<(), Fault> {
    for plan in plans {
        let account_id = accounts::known(connection, &plan.key)?;
        let (first, end) = bounds(plan)?;
        let follows = connection
            .prepare_cached("UPDATE accounts SET planned = ?3 WHERE id = ?1 AND planned = ?2")?
            .execute([account_id, first, end])?;
        if follows == 1 {
            insert(connection, account_id, first, end)?;
        } else {
            expect_repeat(connection, account_id, plan)?;
        }
    }
    Ok(())
}

/// The plans and `planned` become what the place and they lead to together.
pub(super) fn take_up(connection: &Connection, key: &AccountKey, place: &Place) -> Result<Place, Fault> {
    let account_id = accounts::known(connection, key)?;
    let joined = place.joined(kept(connection, account_id, key)?.as_ref());
    connection.prepare_cached("DELETE FROM plans WHERE account_id = ?1")?.execute([account_id])?;
    for (first, end) in &joined.unsettled {
        insert(connection, account_id, to_number(first.0)?, to_number(end.0)?)?;
    }
    connection
        .prepare_cached(
            "UPDATE accounts SET era = ?2, planned = ?3, from_offset = min(from_offset, ?4) WHERE id = ?1",
        )?
        .execute([
            account_id,
            to_number(joined.era)?,
            to_number(joined.planned.0)?,
            to_number(joined.settled_before().0)?,
        ])?;
    Ok(joined)
}

/// Where the account is, if a place was ever brought to it.
fn kept(connection: &Connection, account_id: i64, key: &AccountKey) -> Result<Option<Place>, Fault> {
    let (era, planned): (Option<i64>, i64) = connection
        .prepare_cached("SELECT era, planned FROM accounts WHERE id = ?1")?
        .query_row([account_id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let Some(era) = era else { return Ok(None) };
    let unsettled = unsettled(connection, key)?.into_iter().map(|plan| (plan.first, plan.end)).collect();
    Ok(Some(Place { era: era.unsigned_abs(), planned: Offset(planned.unsigned_abs()), unsettled }))
}

fn insert(connection: &Connection, account_id: i64, first: i64, end: i64) -> Result<(), Fault> {
    connection
        .prepare_cached("INSERT INTO plans (account_id, first_offset, end_offset) VALUES (?1, ?2, ?3)")?
        .execute([account_id, first, end])?;
    Ok(())
}

pub(super) fn unsettled(connection: &Connection, key: &AccountKey) -> Result<Vec<Plan>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT first_offset, end_offset FROM plans JOIN accounts ON accounts.id = account_id
         WHERE sink = ?1 AND partition = ?2 AND lane = ?3 ORDER BY first_offset",
    )?;
    let offset = |number: i64| Offset(number.unsigned_abs());
    let rows = statement.query_map(params![&*key.sink.0, &*key.partition.0, key.lane], |row| {
        Ok(Plan { key: key.clone(), first: offset(row.get(0)?), end: offset(row.get(1)?) })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// That the plan's row was there to be removed is what lets the counts in, so they come in once.
pub(super) fn settle(connection: &Connection, settlement: &Settlement) -> Result<(), Fault> {
    let plan = &settlement.plan;
    let account_id = accounts::known(connection, &plan.key)?;
    let (first, end) = bounds(plan)?;
    let removed = connection
        .prepare_cached("DELETE FROM plans WHERE account_id = ?1 AND first_offset = ?2 AND end_offset = ?3")?
        .execute([account_id, first, end])?;
    if removed == 0 {
        return expect_repeat(connection, account_id, plan);
    }
    let counts = Counts {
        delivered: to_number(settlement.delivered)?,
        duplicates: to_number(settlement.duplicates)?,
        filtered: to_number(settlement.filtered)?,
        dead: 0,
    };
    accounts::add(connection, account_id, &counts)?;
    keep_letters(connection, settlement)
}

/// Letters count in the account that each names, which for a replay's is the main one.
fn keep_letters(connection: &Connection, settlement: &Settlement) -> Result<(), Fault> {
    let mut dead: BTreeMap<&AccountKey, (i64, i64)> = BTreeMap::new();
    for letter in &settlement.dead {
        let account_id = match dead.get(&letter.key) {
            Some((account_id, _)) => *account_id,
            None => accounts::known(connection, &letter.key)?,
        };
        letters::insert(connection, account_id, letter)?;
        let (_, sum) = dead.entry(&letter.key).or_insert((account_id, 0));
        *sum = sum.saturating_add(to_number(letter.count)?);
    }
    for (account_id, dead) in dead.into_values() {
        accounts::add(connection, account_id, &Counts { dead, ..Counts::default() })?;
    }
    Ok(())
}

fn bounds(plan: &Plan) -> Result<(i64, i64), Fault> {
    let (first, end) = (to_number(plan.first.0)?, to_number(plan.end.0)?);
    if first < end {
        Ok((first, end))
    } else {
        Err(Fault::contradiction(format!("a batch from {first} to {end} holds nothing")))
    }
}

/// Passes where the batch may have been planned before: it lies where batches were fixed, and none of those that
/// are not settled speaks against it.
fn expect_repeat(connection: &Connection, account_id: i64, plan: &Plan) -> Result<(), Fault> {
    let (first, end) = bounds(plan)?;
    let repeats: bool = connection
        .prepare_cached(
            "SELECT from_offset <= ?2 AND ?3 <= planned AND NOT EXISTS (
                 SELECT 1 FROM plans WHERE account_id = ?1 AND first_offset < ?3 AND ?2 < end_offset
                 AND (first_offset <> ?2 OR end_offset <> ?3))
             FROM accounts WHERE id = ?1",
        )?
        .query_row([account_id, first, end], |row| row.get(0))?;
    if repeats {
        return Ok(());
    }
    Err(Fault::contradiction(format!(
        "the batch {first}-{end} of sink {:?} contradicts the batches that are fixed",
        &*plan.key.sink.0
    )))
}
