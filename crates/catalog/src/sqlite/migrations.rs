//! The tables' versions. Each is a file of SQL, run once and in order; the file keeps the number of the last.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::fault::Fault;

const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_accounts_plans_dead_letters.sql"),
    include_str!("migrations/0002_claims_pauses.sql"),
    include_str!("migrations/0003_places_sources.sql"),
];

/// The tables of a kind of database.
pub(super) struct Schema {
    /// In the file's header; it tells such a file from any other database.
    pub application_id: i32,
    /// What it is called.
    pub what: &'static str,
    /// Each version's SQL.
    pub migrations: &'static [&'static str],
    /// How to get out of the way of a file that is none of ours, or too new.
    pub remedy: &'static str,
}

/// The catalog's. Its number reads `WEIR`.
const CATALOG: Schema = Schema {
    application_id: 0x5745_4952,
    what: "catalog",
    migrations: MIGRATIONS,
    remedy: "name another file in catalog.url",
};

/// Brings the catalog's tables up to date: all or nothing.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), Fault> {
    bring_up_to_date(&CATALOG, connection, path)
}

/// Brings tables up to date: all or nothing.
pub(super) fn bring_up_to_date(
    schema: &Schema,
    connection: &mut Connection,
    path: &Path,
) -> Result<(), Fault> {
    let Schema { what, migrations, remedy, .. } = schema;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version = version_of(schema, &transaction, path)?;
    let Some(missing) = migrations.get(version..) else {
        let known = migrations.len();
        return Err(Fault::Broken(format!(
            "{} has version {version}, made by a newer Weir; this one knows version {known} and older. \
             Run the newer Weir, or {remedy}",
            path.display()
        )));
    };
    if missing.is_empty() {
        return Ok(());
    }
    for migration in missing {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", schema.application_id)?;
    transaction.pragma_update(None, "user_version", migrations.len() as u32)?;
    transaction.commit()?;
    tracing::info!(path = %path.display(), from = version, to = migrations.len(), "{what} brought up to date");
    Ok(())
}

/// 0 for an empty file.
fn version_of(schema: &Schema, transaction: &Transaction<'_>, path: &Path) -> Result<usize, Fault> {
    let number = |pragma| transaction.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    let (application, version) = (number("application_id")?, number("user_version")?);
    let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (application, usize::try_from(version)) {
        (id, Ok(version)) if id == schema.application_id => Ok(version),
        (0, Ok(0)) if tables == 0 => Ok(0),
        _ => Err(Fault::Broken(format!(
            "{} is a database, but not a Weir {}; {}",
            path.display(),
            schema.what,
            schema.remedy
        ))),
    }
}
