//! The table: what it is made of, and whether the one that is there will do.
//!
//! What lies on disk carries a version, in the table `weir_tables`. Version 1 is kept in `fixtures/sqlite/v1.sql`.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::column::Kind;
use super::fault::Fault;
use crate::columns::{Column, Mapping};

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

/// Makes what is missing, in one transaction, and says what is in the way. Columns of one's own are added to a table
/// that is there; none is ever taken away.
pub(super) fn prepare(
    connection: &mut Connection,
    table: &str,
    mapping: &Mapping<Kind>,
) -> Result<(), Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS weir_tables (name TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL)",
    )?;
    transaction.execute_batch(&create_table(table))?;
    check_version(&transaction, table)?;
    let found = found_columns(&transaction, table)?;
    check_fixed_columns(table, mapping, &found)?;
    for column in lacking(table, mapping, &found)? {
        let (name, declaration) = (&column.name, column.kind.declaration());
        transaction.execute_batch(&format!("ALTER TABLE \"{table}\" ADD COLUMN \"{name}\" {declaration}"))?;
    }
    check_insert(&transaction, table, mapping)?;
    for (name, columns) in INDEXES {
        transaction.execute_batch(&format!(
            "CREATE INDEX IF NOT EXISTS \"{table}_by_{name}\" ON \"{table}\" {columns}"
        ))?;
    }
    Ok(transaction.commit()?)
}

/// One row, unless its event is there already.
pub(super) fn insert(table: &str, mapping: &Mapping<Kind>) -> String {
    let fixed = COLUMNS.iter().map(|(name, _)| *name);
    let names: Vec<&str> = fixed.chain(mapping.columns().iter().map(|column| column.name.as_str())).collect();
    let places = vec!["?"; names.len()].join(", ");
    let names = names.join("\", \"");
    format!("INSERT INTO \"{table}\" (\"{names}\") VALUES ({places}) ON CONFLICT (event_id) DO NOTHING")
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

/// A column that is there.
struct Found {
    name: String,
    declaration: String,
    /// It must not be null, and is null unless it is given.
    is_demanding: bool,
}

fn found_columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<Found>> {
    let mut statement = connection
        .prepare("SELECT name, type, \"notnull\" AND dflt_value IS NULL FROM pragma_table_info(?)")?;
    let found = statement.query_map([table], |row| {
        Ok(Found { name: row.get(0)?, declaration: row.get(1)?, is_demanding: row.get(2)? })
    })?;
    found.collect()
}

fn find<'f>(found: &'f [Found], name: &str) -> Option<&'f Found> {
    found.iter().find(|column| column.name.eq_ignore_ascii_case(name))
}

/// A table that somebody else made will do if it has every column, and asks for nothing more.
fn check_fixed_columns(table: &str, mapping: &Mapping<Kind>, found: &[Found]) -> Result<(), Fault> {
    let missing: Vec<String> = COLUMNS
        .iter()
        .filter(|(name, _)| find(found, name).is_none())
        .map(|(name, kind)| format!("ALTER TABLE \"{table}\" ADD COLUMN {name} {};", bare(kind)))
        .collect();
    if !missing.is_empty() {
        return Err(Fault::Blocked(format!(
            "table \"{table}\" lacks columns; add them, or set another `table`: {}",
            missing.join(" ")
        )));
    }
    let mapped = mapping.columns().iter().map(|column| column.name.as_str());
    let filled: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).chain(mapped).collect();
    let demanding = found.iter().filter(|column| {
        column.is_demanding && !filled.iter().any(|name| column.name.eq_ignore_ascii_case(name))
    });
    let demanding: Vec<&str> = demanding.map(|column| column.name.as_str()).collect();
    match demanding.is_empty() {
        true => Ok(()),
        false => Err(Fault::Blocked(format!(
            "table \"{table}\" has columns that must not be null and that no event fills: {}; \
             give them a default, or set another `table`",
            demanding.join(", ")
        ))),
    }
}

/// The columns of one's own that are not there yet. One that is there with another type stays as it is.
fn lacking<'m>(
    table: &str,
    mapping: &'m Mapping<Kind>,
    found: &[Found],
) -> Result<Vec<&'m Column<Kind>>, Fault> {
    let mut lacking = Vec::new();
    for column in mapping.columns() {
        let declaration = column.kind.declaration();
        match find(found, &column.name) {
            None => lacking.push(column),
            Some(there) if there.declaration.eq_ignore_ascii_case(declaration) => {}
            Some(there) => {
                return Err(Fault::Blocked(format!(
                    "column \"{}\" of table \"{table}\" is of type {}, not {declaration} as `columns` has it: \
                     set that type there, or give the column another name",
                    column.name, there.declaration
                )));
            }
        }
    }
    Ok(lacking)
}

fn check_insert(connection: &Connection, table: &str, mapping: &Mapping<Kind>) -> Result<(), Fault> {
    let prepared = connection.prepare(&insert(table, mapping));
    prepared.map(drop).map_err(|error| {
        Fault::Blocked(format!(
            "table \"{table}\" cannot be written ({error}); if it lacks a unique event_id: \
             CREATE UNIQUE INDEX \"{table}_event_id\" ON \"{table}\" (event_id);"
        ))
    })
}

/// A column's type alone: a column that is added to rows that are there cannot ask for more.
fn bare(kind: &str) -> &str {
    kind.split(' ').next().unwrap_or(kind)
}
