//! The table: what it is made of, and whether the one that is there will do.
//!
//! What lies on disk carries a version, in the table `weir_tables`. Version 1 is kept in `fixtures/sqlite/v1.sql`.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::fault::Fault;

/// The version of the table that this program makes and writes.
const VERSION: i64 = 1;

/// Every column that is written, with what it is declared as.
const COLUMNS: [(&str, &str); 18] = [
    ("event_id", "TEXT NOT NULL PRIMARY KEY"),
    ("stream", "TEXT NOT NULL"),
    ("log_id", "TEXT"),
    ("page", "TEXT"),
    ("event", "TEXT"),
    ("label", "TEXT"),
    ("target", "TEXT"),
    ("section", "TEXT"),
    ("param", "TEXT"),
    ("user_id", "TEXT"),
    ("device_uuid", "TEXT"),
    ("app_version", "TEXT"),
    ("os_version", "TEXT"),
    ("user_agent", "TEXT"),
    ("client_ip", "TEXT"),
    ("occurred_at", "INTEGER NOT NULL"),
    ("received_at", "INTEGER NOT NULL"),
    ("extra", "TEXT"),
];

/// What people ask: of a stream, of one kind of event, of one user, each over time. `received_at` serves the
/// retention and whoever fetches what is new.
///
/// Measured with `examples/sqlite_drain.rs`: the one by user costs more than half of the insert rate, as its entries go to as many
/// pages as there are users in a batch; the others, whose entries go to a few pages, cost a tenth each at most.
const INDEXES: [(&str, &str); 4] = [
    ("received_at", "(received_at)"),
    ("stream", "(stream, occurred_at)"),
    ("event", "(event, occurred_at) WHERE event IS NOT NULL"),
    ("user", "(user_id, occurred_at) WHERE user_id IS NOT NULL"),
];

/// Makes what is missing, in one transaction, and says what is in the way.
pub(super) fn prepare(connection: &mut Connection, table: &str) -> Result<(), Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS weir_tables (name TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL)",
    )?;
    transaction.execute_batch(&create_table(table))?;
    check_version(&transaction, table)?;
    check_columns(&transaction, table)?;
    for (name, columns) in INDEXES {
        transaction.execute_batch(&format!(
            "CREATE INDEX IF NOT EXISTS \"{table}_by_{name}\" ON \"{table}\" {columns}"
        ))?;
    }
    Ok(transaction.commit()?)
}

/// One row, unless its event is there already.
pub(super) fn insert(table: &str) -> String {
    let names = COLUMNS.map(|(name, _)| name).join(", ");
    let places = ["?"; COLUMNS.len()].join(", ");
    format!("INSERT INTO \"{table}\" ({names}) VALUES ({places}) ON CONFLICT (event_id) DO NOTHING")
}

fn create_table(table: &str) -> String {
    let columns = COLUMNS.map(|(name, kind)| format!("{name} {kind}")).join(", ");
    format!("CREATE TABLE IF NOT EXISTS \"{table}\" ({columns})")
}

fn check_version(connection: &Connection, table: &str) -> Result<(), Fault> {
    let version: Option<i64> = connection
        .query_row("SELECT version FROM weir_tables WHERE name = ?", [table], |row| row.get(0))
        .optional()?;
    match version {
        Some(VERSION) => Ok(()),
        Some(other) => Err(Fault::Blocked(format!(
            "table \"{table}\" has version {other}, this program knows up to {VERSION}: \
             run the newer program that made it, or set another `table`"
        ))),
        None => {
            connection.execute("INSERT INTO weir_tables (name, version) VALUES (?, ?)", (table, VERSION))?;
            Ok(())
        }
    }
}

/// A table that somebody else made will do if it has every column, a unique `event_id`, and asks for nothing more.
fn check_columns(connection: &Connection, table: &str) -> Result<(), Fault> {
    let mut found = Vec::new();
    let mut demanding = Vec::new();
    let mut statement =
        connection.prepare("SELECT name, \"notnull\" AND dflt_value IS NULL FROM pragma_table_info(?)")?;
    let mut rows = statement.query([table])?;
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        if row.get(1)? && !COLUMNS.iter().any(|(known, _)| name.eq_ignore_ascii_case(known)) {
            demanding.push(name.clone());
        }
        found.push(name.to_ascii_lowercase());
    }
    let missing: Vec<String> = COLUMNS
        .iter()
        .filter(|(name, _)| !found.iter().any(|there| there == name))
        .map(|(name, kind)| format!("ALTER TABLE \"{table}\" ADD COLUMN {name} {};", bare(kind)))
        .collect();
    if !missing.is_empty() {
        return Err(Fault::Blocked(format!(
            "table \"{table}\" lacks columns; add them, or set another `table`: {}",
            missing.join(" ")
        )));
    }
    if !demanding.is_empty() {
        return Err(Fault::Blocked(format!(
            "table \"{table}\" has columns that must not be null and that no event fills: {}; \
             give them a default, or set another `table`",
            demanding.join(", ")
        )));
    }
    connection.prepare(&insert(table)).map_err(|error| {
        Fault::Blocked(format!(
            "table \"{table}\" cannot be written ({error}); if it lacks a unique event_id: \
             CREATE UNIQUE INDEX \"{table}_event_id\" ON \"{table}\" (event_id);"
        ))
    })?;
    Ok(())
}

/// A column's type alone: a column that is added to rows that are there cannot ask for more.
fn bare(kind: &str) -> &str {
    kind.split(' ').next().unwrap_or(kind)
}
