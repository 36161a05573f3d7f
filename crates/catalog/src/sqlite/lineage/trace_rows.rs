//! The tables `traces` and `trace_digests`.

use rusqlite::{Connection, OptionalExtension, Row, params};
use weir_core::lineage::{Figures, TraceFacts};
use weir_core::time::Timestamp;

use crate::lineage::digest;
use crate::lineage::row::{TraceRow, word_number, word_of};
use crate::sqlite::fault::Fault;

const COLUMNS: &str = "id, key, user, user_word, user_at, started_at, ended_at, first_at, last_at, records,
    names, aliases, nodes, files, dropped, became_data, never_became_data, data, outputs, databases";

pub(super) fn by_id(connection: &Connection, id: i64) -> Result<Option<TraceRow>, Fault> {
    let select = format!("SELECT {COLUMNS} FROM traces WHERE id = ?1");
    Ok(connection.prepare_cached(&select)?.query_row([id], trace_row).optional()?)
}

pub(super) fn by_key(connection: &Connection, key: &str) -> Result<Option<TraceRow>, Fault> {
    let mut statement = connection.prepare_cached("SELECT trace FROM trace_digests WHERE digest = ?1")?;
    let candidates = statement.query_map([digest_of(key)], |row| row.get(0))?;
    for id in candidates.collect::<Result<Vec<i64>, _>>()? {
        if let Some(row) = by_id(connection, id)?.filter(|row| &*row.key == key) {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

pub(super) fn below(
    connection: &Connection,
    before: i64,
    user: Option<&str>,
    limit: usize,
) -> Result<Vec<TraceRow>, Fault> {
    let of_user = if user.is_some() { "user = ?2" } else { "?2 IS NULL" };
    let select =
        format!("SELECT {COLUMNS} FROM traces WHERE id < ?1 AND {of_user} ORDER BY id DESC LIMIT ?3");
    let mut statement = connection.prepare_cached(&select)?;
    let rows = statement.query_map(params![before, user, limit as i64], trace_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Keeps a trace under its key.
pub(super) fn begin(connection: &Connection, row: &TraceRow) -> Result<(), Fault> {
    connection
        .prepare_cached("INSERT INTO trace_digests (digest, trace) VALUES (?1, ?2)")?
        .execute(params![digest_of(&row.key), row.id])?;
    Ok(())
}

pub(super) fn put(connection: &Connection, row: &TraceRow) -> Result<(), Fault> {
    let replace = format!(
        "INSERT OR REPLACE INTO traces ({COLUMNS})
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)"
    );
    let TraceRow { id, key, facts, records, names, aliases, figures, databases } = row;
    let micros = |at: Option<Timestamp>| at.map(Timestamp::as_micros);
    let (word, user_at, user) = match &facts.user {
        Some((word, at, user)) => (Some(word_number(*word)), Some(at.as_micros()), Some(user)),
        None => (None, None, None),
    };
    connection.prepare_cached(&replace)?.execute(params![
        id,
        key,
        user,
        word,
        user_at,
        micros(facts.started_at),
        micros(facts.ended_at),
        micros(facts.first_at),
        micros(facts.last_at),
        records,
        names,
        aliases,
        figures.nodes,
        figures.files,
        figures.dropped,
        figures.became_data,
        figures.never_became_data,
        figures.data,
        figures.outputs,
        databases,
    ])?;
    Ok(())
}

fn trace_row(row: &Row<'_>) -> rusqlite::Result<TraceRow> {
    let moment = |column: usize| {
        Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_micros))
    };
    let word = row.get::<_, Option<i64>>(3)?.and_then(word_of);
    let user = match (word, moment(4)?, row.get::<_, Option<Box<str>>>(2)?) {
        (Some(word), Some(at), Some(user)) => Some((word, at, user)),
        _ => None,
    };
    Ok(TraceRow {
        id: row.get(0)?,
        key: row.get(1)?,
        facts: TraceFacts {
            user,
            started_at: moment(5)?,
            ended_at: moment(6)?,
            first_at: moment(7)?,
            last_at: moment(8)?,
        },
        records: row.get(9)?,
        names: row.get(10)?,
        aliases: row.get(11)?,
        figures: Figures {
            nodes: row.get(12)?,
            files: row.get(13)?,
            dropped: row.get(14)?,
            became_data: row.get(15)?,
            never_became_data: row.get(16)?,
            data: row.get(17)?,
            outputs: row.get(18)?,
        },
        databases: row.get(19)?,
    })
}

fn digest_of(key: &str) -> i64 {
    digest(key).cast_signed()
}
