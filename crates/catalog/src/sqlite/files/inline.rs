//! The table `inline_contents`: small contents, packed.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};
use weir_core::files::ContentRef;

use super::super::fault::Fault;

/// The content's bytes; `None` where they are not here.
pub(super) fn read(connection: &Connection, content: ContentRef) -> Result<Option<Bytes>, Fault> {
    let sql = "SELECT i.packed FROM contents c JOIN inline_contents i ON i.number = c.inline_number \
               WHERE c.hash = ?1 AND c.id = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row(params![content.hash.0, content.id], |row| row.get::<_, Vec<u8>>(0));
    Ok(found.optional()?.map(Bytes::from))
}

/// Puts them here. Their number.
pub(super) fn put(connection: &Connection, packed: &[u8]) -> Result<i64, Fault> {
    connection.prepare_cached("INSERT INTO inline_contents (packed) VALUES (?1)")?.execute([packed])?;
    Ok(connection.last_insert_rowid())
}

/// Removes them.
pub(super) fn remove(connection: &Connection, number: i64) -> Result<(), Fault> {
    connection.prepare_cached("DELETE FROM inline_contents WHERE number = ?1")?.execute([number])?;
    Ok(())
}
