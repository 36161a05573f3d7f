//! The tables `files` and `contents`: adding, finding.

use rusqlite::{Connection, OptionalExtension, Params, Row, params};
use weir_core::files::{
    Added, ContentHash, ContentRef, Fate, FileFacts, FileFilter, Offer, Page, StoredFile,
};
use weir_core::row_id::{self, RowIds};
use weir_core::time::Timestamp;

use super::super::conditions::Conditions;
use super::super::fault::Fault;
use super::{inline, next_id, totals};

pub(super) const COLUMNS: &str = "f.id, f.key, f.name, f.group_name, f.trace, f.user_id, f.content_type, f.hash, f.bytes, f.stored_at, f.fate, f.ended_at, f.rule, f.content_id";
pub(super) const DELETED: i64 = 1;
pub(super) const EXPIRED: i64 = 2;

/// `None` where the offered content is kept no longer.
pub(super) fn add(
    connection: &Connection,
    facts: FileFacts,
    offer: Offer,
    row_ids: &RowIds,
) -> Result<Option<Added>, Fault> {
    let latest = find_by_key(connection, &facts.key)?;
    if let Some(latest) = latest.filter(|file| file.fate == Fate::Kept && file.facts.hash == facts.hash) {
        return Ok(Some(Added::Known(latest)));
    }
    let Some(ContentRef { id: content_id, .. }) = take(connection, facts.hash, offer)? else {
        return Ok(None);
    };
    let id = next_id(connection, "files", row_ids)?;
    let FileFacts { key, name, group, trace, user, content_type, hash, bytes, stored_at } = &facts;
    let (bytes, stored_at) = (number(*bytes)?, stored_at.as_micros());
    let sql = "INSERT INTO files (id, key, name, group_name, trace, user_id, content_type, hash, content_id, bytes, stored_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    let row = params![id, key, name, group, trace, user, content_type, hash.0, content_id, bytes, stored_at];
    connection.prepare_cached(sql)?.execute(row)?;
    totals::add(connection, &facts, 1)?;
    Ok(Some(Added::New(StoredFile { id, facts, content_id, fate: Fate::Kept })))
}

/// One file more has a content of this hash: the one that is kept, else the one that was put.
fn take(connection: &Connection, hash: ContentHash, offer: Offer) -> Result<Option<ContentRef>, Fault> {
    let kept = content(connection, hash)?;
    match (kept, offer) {
        (Some(kept), _) => {
            let sql = "UPDATE contents SET files = files + 1 WHERE hash = ?1 AND id = ?2";
            connection.prepare_cached(sql)?.execute(params![kept.hash.0, kept.id])?;
            Ok(Some(kept))
        }
        (None, Offer::Kept) => Ok(None),
        (None, Offer::Put(put, stored_bytes)) => insert(connection, put, stored_bytes, None).map(Some),
        (None, Offer::Inline(put, packed)) => {
            let number = inline::put(connection, &packed)?;
            insert(connection, put, packed.len() as u64, Some(number)).map(Some)
        }
    }
}

fn insert(
    connection: &Connection,
    put: ContentRef,
    stored_bytes: u64,
    inline_number: Option<i64>,
) -> Result<ContentRef, Fault> {
    let sql =
        "INSERT INTO contents (hash, id, stored_bytes, files, inline_number) VALUES (?1, ?2, ?3, 1, ?4)";
    let row = params![put.hash.0, put.id, number(stored_bytes)?, inline_number];
    connection.prepare_cached(sql)?.execute(row)?;
    Ok(put)
}

pub(super) fn find(connection: &Connection, name: &str) -> Result<Option<StoredFile>, Fault> {
    let numbered = match row_id::read(name) {
        Some(id) => one(connection, "f.id = ?1", [id])?,
        None => None,
    };
    match numbered {
        Some(file) => Ok(Some(file)),
        None => find_by_key(connection, name),
    }
}

fn find_by_key(connection: &Connection, key: &str) -> Result<Option<StoredFile>, Fault> {
    one(connection, "f.key = ?1 ORDER BY f.id DESC LIMIT 1", [key])
}

pub(super) fn by_id(connection: &Connection, id: i64) -> Result<Option<StoredFile>, Fault> {
    one(connection, "f.id = ?1", [id])
}

fn one(connection: &Connection, which: &str, values: impl Params) -> Result<Option<StoredFile>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM files f WHERE {which}");
    let found = connection.prepare_cached(&sql)?.query_row(values, |row| Ok(read(row))).optional()?;
    found.transpose()
}

pub(super) fn list(
    connection: &Connection,
    filter: &FileFilter,
    after: Option<i64>,
    limit: usize,
) -> Result<Page<StoredFile>, Fault> {
    let FileFilter { key, group, user, trace, stored_from, stored_to, with_ended } = filter.clone();
    let mut conditions = Conditions::that(if with_ended { "true" } else { "f.fate = 0" });
    conditions.and("f.id >", after);
    conditions.and("f.key =", key);
    conditions.and("f.group_name =", group);
    conditions.and("f.user_id =", user);
    conditions.and("f.trace =", trace);
    conditions.and("f.stored_at >=", stored_from.map(|from| from.as_micros()));
    conditions.and("f.stored_at <", stored_to.map(|to| to.as_micros()));
    let sql =
        format!("SELECT {COLUMNS} FROM files f WHERE {} ORDER BY f.id LIMIT {}", conditions.sql(), limit + 1);
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_and_then(conditions.values(), read)?;
    Ok(Page::of(rows.collect::<Result<_, _>>()?, limit, |file| file.id))
}

pub(super) fn content(connection: &Connection, hash: ContentHash) -> Result<Option<ContentRef>, Fault> {
    let sql = "SELECT hash, id FROM contents WHERE hash = ?1 AND NOT is_going";
    Ok(connection.prepare_cached(sql)?.query_row([hash.0], read_content).optional()?)
}

pub(super) fn contents(
    connection: &Connection,
    after: Option<ContentRef>,
    limit: usize,
) -> Result<Vec<ContentRef>, Fault> {
    let sql = "SELECT hash, id FROM contents WHERE inline_number IS NULL AND (?1 IS NULL OR (hash, id) > (?1, ?2)) \
               ORDER BY hash, id LIMIT ?3";
    let (hash, id) = after.map(|after| (after.hash.0, after.id)).unzip();
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![hash, id, limit as i64], read_content)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn going(connection: &Connection, limit: usize) -> Result<Vec<ContentRef>, Fault> {
    let mut statement = connection.prepare_cached("SELECT hash, id FROM contents WHERE is_going LIMIT ?1")?;
    let rows = statement.query_map([limit as i64], read_content)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn forget(connection: &Connection, content: ContentRef) -> Result<(), Fault> {
    let sql = "DELETE FROM contents WHERE hash = ?1 AND id = ?2 AND is_going RETURNING inline_number";
    let mut statement = connection.prepare_cached(sql)?;
    let gone = statement.query_row(params![content.hash.0, content.id], |row| row.get(0)).optional()?;
    gone.flatten().map_or(Ok(()), |number| inline::remove(connection, number))
}

fn read_content(row: &Row<'_>) -> rusqlite::Result<ContentRef> {
    Ok(ContentRef { hash: ContentHash(row.get(0)?), id: row.get(1)? })
}

/// A row of [`COLUMNS`].
pub(super) fn read(row: &Row<'_>) -> Result<StoredFile, Fault> {
    let moment = |column| row.get(column).map(Timestamp::from_micros);
    let facts = FileFacts {
        key: row.get(1)?,
        name: row.get(2)?,
        group: row.get(3)?,
        trace: row.get(4)?,
        user: row.get(5)?,
        content_type: row.get(6)?,
        hash: ContentHash(row.get(7)?),
        bytes: count(row, 8)?,
        stored_at: moment(9)?,
    };
    let fate = match row.get(10)? {
        DELETED => Fate::Deleted { at: moment(11)? },
        EXPIRED => Fate::Expired { at: moment(11)?, rule: row.get(12)? },
        _ => Fate::Kept,
    };
    Ok(StoredFile { id: row.get(0)?, facts, content_id: row.get(13)?, fate })
}

fn count(row: &Row<'_>, column: usize) -> Result<u64, Fault> {
    let count: i64 = row.get(column)?;
    u64::try_from(count).map_err(|_| Fault::contradiction(format!("{count} is no number of bytes")))
}

pub(super) fn number(count: u64) -> Result<i64, Fault> {
    i64::try_from(count).map_err(|_| Fault::contradiction(format!("{count} is too large a number of bytes")))
}
