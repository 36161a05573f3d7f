//! The tables' versions. Each is a file of SQL, run once and in order; the file keeps the number of the last.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::fault::Fault;

/// In the file's header; it tells a Weir catalog from any other database. Reads `WEIR`.
const APPLICATION_ID: i32 = 0x5745_4952;

const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_accounts_plans_dead_letters.sql"),
    include_str!("migrations/0002_claims_pauses.sql"),
    include_str!("migrations/0003_places_sources.sql"),
];

/// Brings the tables up to date: all or nothing.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version = version_of(&transaction, path)?;
    let Some(missing) = MIGRATIONS.get(version..) else {
        let known = MIGRATIONS.len();
        return Err(Fault::Broken(format!(
            "{} has version {version}, made by a newer Weir; this one knows version {known} and older. \
             Run the newer Weir, or name another file in catalog.url",
            path.display()
        )));
    };
    if missing.is_empty() {
        return Ok(());
    }
    for migration in missing {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", MIGRATIONS.len() as u32)?;
    transaction.commit()?;
    tracing::info!(path = %path.display(), from = version, to = MIGRATIONS.len(), "catalog brought up to date");
    Ok(())
}

/// 0 for an empty file.
fn version_of(transaction: &Transaction<'_>, path: &Path) -> Result<usize, Fault> {
    let number = |pragma| transaction.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    let (application, version) = (number("application_id")?, number("user_version")?);
    let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (application, usize::try_from(version)) {
        (APPLICATION_ID, Ok(version)) => Ok(version),
        (0, Ok(0)) if tables == 0 => Ok(0),
        _ => Err(Fault::Broken(format!(
            "{} is a database, but not a Weir catalog; name another file in catalog.url",
            path.display()
        ))),
    }
}
