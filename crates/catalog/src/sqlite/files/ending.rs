//! How files end, and the table `acts` that tells of it.

use rusqlite::{Connection, Params, Row, params};
use weir_core::files::{Act, Ending, Fate, Page, StoredFile};
use weir_core::row_id::RowIds;
use weir_core::time::Timestamp;

use super::super::fault::Fault;
use super::rows::{self, COLUMNS, DELETED, EXPIRED, number};
use super::{next_id, totals};

const SELECT: &str = "a.id, a.rule, a.reason, a.deleted_by, a.at, a.freed_bytes, a.is_told";

/// `None` where it is not there, or ended before.
pub(super) fn end(
    connection: &Connection,
    id: i64,
    ending: Ending,
    at: Timestamp,
    row_ids: &RowIds,
) -> Result<Option<Act>, Fault> {
    let kept = rows::by_id(connection, id)?.filter(|file| file.fate == Fate::Kept);
    let Some(StoredFile { facts, content_id, .. }) = kept else { return Ok(None) };
    let (number_of_fate, rule) = match &ending {
        Ending::Deleted { .. } => (DELETED, None),
        Ending::Expired { rule, .. } => (EXPIRED, Some(rule)),
    };
    connection.execute(
        "UPDATE files SET fate = ?2, ended_at = ?3, rule = ?4 WHERE id = ?1",
        params![id, number_of_fate, at.as_micros(), rule],
    )?;
    totals::add(connection, &facts, -1)?;
    let freed_bytes = let_go(connection, &facts.hash.0, content_id)?;
    let fate = match &ending {
        Ending::Deleted { .. } => Fate::Deleted { at },
        Ending::Expired { rule, .. } => Fate::Expired { at, rule: rule.clone() },
    };
    // A file of no trace has nobody to tell.
    let is_told = facts.trace.is_none();
    let act_id = next_id(connection, "acts", row_ids)?;
    let act = Act {
        id: act_id,
        file: StoredFile { id, facts, content_id, fate },
        ending,
        at,
        freed_bytes,
        is_told,
    };
    write(connection, &act)?;
    Ok(Some(act))
}

/// One file less has this content. What that frees.
fn let_go(connection: &Connection, hash: &[u8; 32], content_id: i64) -> Result<u64, Fault> {
    let sql = "UPDATE contents SET files = files - 1, is_going = files <= 1 WHERE hash = ?1 AND id = ?2 RETURNING is_going, stored_bytes";
    let (is_going, stored_bytes): (bool, i64) =
        connection.query_row(sql, params![hash, content_id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(if is_going { stored_bytes.unsigned_abs() } else { 0 })
}

fn write(connection: &Connection, act: &Act) -> Result<(), Fault> {
    let (rule, reason, deleted_by) = match &act.ending {
        Ending::Deleted { by } => (None, None, Some(by)),
        Ending::Expired { rule, reason } => (Some(rule), Some(reason), None),
    };
    connection.execute(
        "INSERT INTO acts (id, file, rule, reason, deleted_by, at, freed_bytes, is_told) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            act.id,
            act.file.id,
            rule,
            reason,
            deleted_by,
            act.at.as_micros(),
            number(act.freed_bytes)?,
            act.is_told
        ],
    )?;
    Ok(())
}

pub(super) fn acts(connection: &Connection, before: Option<i64>, limit: usize) -> Result<Page<Act>, Fault> {
    let which = "(?1 IS NULL OR a.id < ?1) ORDER BY a.id DESC LIMIT ?2";
    Ok(Page::of(select(connection, which, params![before, limit as i64 + 1])?, limit, |act| act.id))
}

pub(super) fn untold(connection: &Connection, limit: usize) -> Result<Vec<Act>, Fault> {
    select(connection, "NOT a.is_told ORDER BY a.id LIMIT ?1", [limit as i64])
}

pub(super) fn told(connection: &Connection, act: i64) -> Result<(), Fault> {
    connection.execute("UPDATE acts SET is_told = 1 WHERE id = ?1", [act])?;
    Ok(())
}

fn select(connection: &Connection, which: &str, values: impl Params) -> Result<Vec<Act>, Fault> {
    let sql = format!("SELECT {COLUMNS}, {SELECT} FROM acts a JOIN files f ON f.id = a.file WHERE {which}");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_and_then(values, read)?;
    rows.collect()
}

fn read(row: &Row<'_>) -> Result<Act, Fault> {
    let rule: Option<Box<str>> = row.get(15)?;
    let ending = match rule {
        Some(rule) => Ending::Expired { rule, reason: row.get(16)? },
        None => Ending::Deleted { by: row.get(17)? },
    };
    Ok(Act {
        id: row.get(14)?,
        file: rows::read(row)?,
        ending,
        at: Timestamp::from_micros(row.get(18)?),
        freed_bytes: row.get::<_, i64>(19)?.unsigned_abs(),
        is_told: row.get(20)?,
    })
}
