//! The table `totals`: what kept files add up to, kept along with them, so that nobody counts millions of rows.

use rusqlite::{Connection, OptionalExtension, params};
use weir_core::files::{FileFacts, Owner, Totals};

use super::super::fault::Fault;
use super::rows::number;

/// Counts a file in (`1`) or out (`-1`), for everybody that it belongs to.
pub(super) fn add(connection: &Connection, facts: &FileFacts, sign: i64) -> Result<(), Fault> {
    let group = facts.group.clone().map(Owner::Group);
    let user = facts.user.clone().map(Owner::User);
    let mut statement = connection.prepare_cached(
        "INSERT INTO totals (owner, name, files, bytes) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (owner, name) DO UPDATE SET files = files + excluded.files, bytes = bytes + excluded.bytes",
    )?;
    for owner in [Some(Owner::All), group, user].into_iter().flatten() {
        let (kind, name) = columns(&owner);
        statement.execute(params![kind, name, sign, sign * number(facts.bytes)?])?;
    }
    Ok(())
}

pub(super) fn of(connection: &Connection, owner: &Owner) -> Result<Totals, Fault> {
    let (kind, name) = columns(owner);
    let sql = "SELECT files, bytes FROM totals WHERE owner = ?1 AND name = ?2";
    let found: Option<(i64, i64)> =
        connection.query_row(sql, params![kind, name], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let (files, bytes) = found.unwrap_or_default();
    Ok(Totals { files: files.unsigned_abs(), bytes: bytes.unsigned_abs() })
}

fn columns(owner: &Owner) -> (i64, &str) {
    match owner {
        Owner::All => (0, ""),
        Owner::Group(name) => (1, name),
        Owner::User(name) => (2, name),
    }
}
