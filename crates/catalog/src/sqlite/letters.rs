//! The tables `dead_letters` and `dead_letter_events`: keeping, finding, deleting.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Params, Row, params};
use weir_core::catalog::{DeadLetter, DeadLetterFilter};

use super::conditions::Conditions;
use super::fault::Fault;
use crate::rows::{EventRow, LetterRow};

const SELECT: &str =
    "SELECT d.id, d.sink, d.partition, d.lane, d.count, d.stream, d.reason, d.detail, d.attempts,
    d.first_at, d.last_at, d.source, e.event_id, e.event_offset, e.received_at, e.occurred_at, e.origin, e.client_id,
    e.user_id, e.body
    FROM dead_letters d LEFT JOIN dead_letter_events e ON e.dead_letter_id = d.id";

/// The letter `d` is dead, and as the filter says.
pub(super) fn conditions(filter: &DeadLetterFilter) -> Conditions {
    let mut conditions = Conditions::that("d.state = 'dead'");
    conditions.and("d.sink =", filter.sink.clone());
    conditions.and("d.stream =", filter.stream.clone());
    conditions.and("d.reason =", filter.reason.clone());
    conditions.and("d.last_at >=", filter.from.map(|from| from.as_micros()));
    conditions.and("d.last_at <", filter.to.map(|to| to.as_micros()));
    conditions
}

pub(super) fn list(
    connection: &Connection,
    filter: &DeadLetterFilter,
    before: Option<i64>,
    limit: usize,
) -> Result<Vec<DeadLetter>, Fault> {
    let mut conditions = conditions(filter);
    conditions.and("d.id <", before);
    select(connection, &page(&conditions, limit), conditions.values())
}

/// Chooses the letters first, so that only what is shown is read with its bytes.
fn page(conditions: &Conditions, limit: usize) -> String {
    format!(
        "WHERE d.id IN (SELECT d.id FROM dead_letters d WHERE {} ORDER BY d.id DESC LIMIT {})
         ORDER BY d.id DESC",
        conditions.sql(),
        row_limit(limit)
    )
}

pub(super) fn find(connection: &Connection, id: i64) -> Result<Option<DeadLetter>, Fault> {
    let select = format!("{SELECT} WHERE d.id = ?1");
    let row = connection.prepare_cached(&select)?.query_row([id], letter_row).optional()?;
    row.map(to_letter).transpose()
}

/// All letters that `SELECT` with this tail gives.
pub(super) fn select(
    connection: &Connection,
    tail: &str,
    values: impl Params,
) -> Result<Vec<DeadLetter>, Fault> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} {tail}"))?;
    let rows = statement.query_map(values, letter_row)?;
    rows.map(|row| to_letter(row?)).collect()
}

/// SQLite's numbers have a sign, and so has its limit.
pub(super) fn row_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// One that is on its way to its sink is not there to be deleted.
pub(super) fn delete(connection: &Connection, id: i64) -> Result<bool, Fault> {
    let deleted = connection.execute("DELETE FROM dead_letters WHERE id = ?1 AND state = 'dead'", [id])?;
    Ok(deleted > 0)
}

/// Keeps the letter as dead. The caller counts it.
pub(super) fn insert(connection: &Connection, account_id: i64, letter: &DeadLetter) -> Result<(), Fault> {
    let row = LetterRow::from_letter(letter)?;
    connection
        .prepare_cached(
            "INSERT INTO dead_letters (id, account_id, sink, partition, lane, state, count, stream, reason, detail,
                 attempts, first_at, last_at, source)
             VALUES (?1, ?2, ?3, ?4, ?5, 'dead', ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute(params![
            row.id,
            account_id,
            row.sink,
            row.partition,
            row.lane,
            row.count,
            row.stream,
            row.reason,
            row.detail,
            row.attempts,
            row.first_at,
            row.last_at,
            row.source,
        ])?;
    row.event.map_or(Ok(()), |event| insert_event(connection, row.id, &event))
}

fn insert_event(connection: &Connection, letter_id: i64, event: &EventRow) -> Result<(), Fault> {
    connection
        .prepare_cached(
            "INSERT INTO dead_letter_events (dead_letter_id, event_id, event_offset, received_at, occurred_at,
                 origin, client_id, user_id, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            letter_id,
            event.event_id,
            event.event_offset,
            event.received_at,
            event.occurred_at,
            event.origin,
            event.client_id,
            event.user_id,
            &event.body[..],
        ])?;
    Ok(())
}

fn to_letter(row: LetterRow) -> Result<DeadLetter, Fault> {
    let id = row.id;
    row.into_letter().map_err(|error| Fault::Broken(format!("dead letter {id}: {error:#}")))
}

fn letter_row(row: &Row<'_>) -> rusqlite::Result<LetterRow> {
    let event_id: Option<[u8; 16]> = row.get(12)?;
    Ok(LetterRow {
        id: row.get(0)?,
        sink: row.get(1)?,
        partition: row.get(2)?,
        lane: row.get(3)?,
        count: row.get(4)?,
        stream: row.get(5)?,
        reason: row.get(6)?,
        detail: row.get(7)?,
        attempts: row.get(8)?,
        first_at: row.get(9)?,
        last_at: row.get(10)?,
        source: row.get(11)?,
        event: event_id.map(|event_id| event_row(row, event_id)).transpose()?,
    })
}

fn event_row(row: &Row<'_>, event_id: [u8; 16]) -> rusqlite::Result<EventRow> {
    Ok(EventRow {
        event_id,
        event_offset: row.get(13)?,
        received_at: row.get(14)?,
        occurred_at: row.get(15)?,
        origin: row.get(16)?,
        client_id: row.get(17)?,
        user_id: row.get(18)?,
        body: Bytes::from(row.get::<_, Vec<u8>>(19)?),
    })
}

/// How SQLite goes about finding a page of these letters.
#[cfg(test)]
pub(super) fn explain(connection: &Connection, filter: &DeadLetterFilter) -> Result<Vec<String>, Fault> {
    let conditions = conditions(filter);
    let sql = format!("EXPLAIN QUERY PLAN {SELECT} {}", page(&conditions, 10));
    let mut statement = connection.prepare(&sql)?;
    let steps = statement.query_map(conditions.values(), |row| row.get(3))?;
    Ok(steps.collect::<Result<_, _>>()?)
}
