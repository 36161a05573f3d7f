//! Sending dead letters again: the state `resending`, and what comes of it.

use rusqlite::{Connection, OptionalExtension, params};
use weir_core::catalog::{AccountKey, DeadLetter, DeadLetterFilter, Resent};
use weir_core::log::Partition;
use weir_core::sink::SinkName;

use super::accounts::{self, Counts};
use super::fault::Fault;
use super::letters;
use crate::rows::to_number;

/// Takes matching letters out of their accounts' `dead`. Those without bytes or without an account stay, and so do those
/// that are no sink's.
pub(super) fn release(
    connection: &Connection,
    filter: &DeadLetterFilter,
    id: Option<i64>,
) -> Result<Vec<(AccountKey, u64)>, Fault> {
    let mut conditions = letters::conditions(filter);
    conditions.and("d.id =", id);
    let meant = format!(
        "{} AND d.account_id IS NOT NULL AND d.source IS NULL
         AND EXISTS (SELECT 1 FROM dead_letter_events e WHERE e.dead_letter_id = d.id)",
        conditions.sql()
    );
    let mut statement = connection.prepare_cached(&format!(
        "SELECT a.id, a.sink, a.partition, a.lane, sum(d.count)
         FROM dead_letters d JOIN accounts a ON a.id = d.account_id
         WHERE {meant} GROUP BY a.id ORDER BY a.sink, a.partition, a.lane"
    ))?;
    let rows = statement.query_map(conditions.values(), |row| {
        let (sink, partition): (String, String) = (row.get(1)?, row.get(2)?);
        let key = AccountKey {
            sink: SinkName(sink.into()),
            partition: Partition(partition.into()),
            lane: row.get(3)?,
        };
        Ok((row.get::<_, i64>(0)?, key, row.get::<_, i64>(4)?))
    })?;
    let taken: Vec<_> = rows.collect::<Result<_, _>>()?;
    for (account_id, _, count) in &taken {
        accounts::add(connection, *account_id, &Counts { dead: -count, ..Counts::default() })?;
    }
    connection
        .prepare_cached(&format!("UPDATE dead_letters AS d SET state = 'resending' WHERE {meant}"))?
        .execute(conditions.values())?;
    // Counts are never negative: the table sees to it.
    Ok(taken.into_iter().map(|(_, key, count)| (key, count.unsigned_abs())).collect())
}

pub(super) fn waiting(
    connection: &Connection,
    key: &AccountKey,
    limit: usize,
) -> Result<Vec<DeadLetter>, Fault> {
    let tail = "WHERE d.state = 'resending' AND d.account_id =
        (SELECT id FROM accounts WHERE sink = ?1 AND partition = ?2 AND lane = ?3) ORDER BY d.id LIMIT ?4";
    let limit = letters::row_limit(limit);
    letters::select(connection, tail, params![&*key.sink.0, &*key.partition.0, key.lane, limit])
}

pub(super) fn settle(connection: &Connection, key: &AccountKey, outcomes: &[Resent]) -> Result<(), Fault> {
    let account_id = accounts::known(connection, key)?;
    let mut counts = Counts::default();
    for outcome in outcomes {
        match outcome {
            Resent::Delivered { id, count, duplicate } => {
                if let Some(waiting) = find_waiting(connection, *id)? {
                    waiting.expect(*id, account_id, *count)?;
                    remove(connection, *id)?;
                    counts.delivered += waiting.count;
                    counts.duplicates += if *duplicate { waiting.count } else { 0 };
                }
            }
            Resent::Refused(letter) => {
                if let Some(waiting) = find_waiting(connection, letter.id)? {
                    let named = accounts::known(connection, &letter.key)?;
                    waiting.expect(letter.id, account_id, letter.count)?;
                    waiting.expect(letter.id, named, letter.count)?;
                    // A late repeat of an earlier refusal has nothing to say about the attempt under way.
                    if waiting.attempts < i64::from(letter.attempts) {
                        remove(connection, letter.id)?;
                        letters::insert(connection, account_id, letter)?;
                        counts.dead += waiting.count;
                    }
                }
            }
        }
    }
    accounts::add(connection, account_id, &counts)
}

/// A letter on its way to its sink.
struct Waiting {
    account_id: i64,
    count: i64,
    attempts: i64,
}

impl Waiting {
    fn expect(&self, id: i64, account_id: i64, count: u64) -> Result<(), Fault> {
        if self.account_id == account_id && self.count == to_number(count)? {
            return Ok(());
        }
        Err(Fault::contradiction(format!("dead letter {id} is of another account or count")))
    }
}

/// `None` where its outcome was recorded before.
fn find_waiting(connection: &Connection, id: i64) -> Result<Option<Waiting>, Fault> {
    let waiting = connection
        .prepare_cached(
            "SELECT account_id, count, attempts FROM dead_letters WHERE id = ?1 AND state = 'resending'",
        )?
        .query_row([id], |row| {
            Ok(Waiting { account_id: row.get(0)?, count: row.get(1)?, attempts: row.get(2)? })
        })
        .optional()?;
    Ok(waiting)
}

fn remove(connection: &Connection, id: i64) -> Result<(), Fault> {
    connection.prepare_cached("DELETE FROM dead_letters WHERE id = ?1")?.execute([id])?;
    Ok(())
}
