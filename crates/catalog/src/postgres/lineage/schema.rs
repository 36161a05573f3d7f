//! The tables' versions. Each is a file of SQL, run once and in order; a table keeps the number of the last.
//!
//! **Constraint.** Instances that start at once take turns, and each change is whole or not there.

use tokio_postgres::Client;

use crate::postgres::fault::Fault;

const MIGRATIONS: &[&str] = &[include_str!("migrations/0001_lineage.sql")];
/// Tells our schema from one that happens to be called the same.
const APPLICATION: &str = "weir lineage";
/// Locks of this class are these tables'; it reads `WLIN`.
pub(super) const LOCK_CLASS: i32 = 0x574C_494E;
/// Held by whoever changes the tables' form.
const MIGRATING: i32 = 1;

/// Brings the tables up to date.
pub(super) async fn bring_up_to_date(client: &Client) -> Result<(), Fault> {
    client.batch_execute("BEGIN").await?;
    client.execute("SELECT pg_advisory_xact_lock($1, $2)", &[&LOCK_CLASS, &MIGRATING]).await?;
    let version = version(client).await?;
    let Some(missing) = MIGRATIONS.get(version..) else {
        let known = MIGRATIONS.len();
        return Err(Fault::Broken(format!(
            "the schema weir_lineage has version {version}, made by a newer Weir; this one knows version {known} and \
             older. Run the newer Weir, or name another database in catalog.url"
        )));
    };
    if version == 0 {
        client.batch_execute(&beginning()).await?;
    }
    for migration in missing {
        client.batch_execute(migration).await?;
    }
    if !missing.is_empty() {
        let known = MIGRATIONS.len() as i32;
        client.execute("UPDATE weir_lineage.about SET version = $1", &[&known]).await?;
        tracing::info!(from = version, to = known, "lineage in Postgres brought up to date");
    }
    Ok(client.batch_execute("COMMIT").await?)
}

fn beginning() -> String {
    format!(
        "CREATE SCHEMA weir_lineage;
         CREATE TABLE weir_lineage.about (application TEXT NOT NULL, version INTEGER NOT NULL);
         INSERT INTO weir_lineage.about (application, version) VALUES ('{APPLICATION}', 0)"
    )
}

/// 0 where there is nothing yet.
async fn version(client: &Client) -> Result<usize, Fault> {
    let there =
        "SELECT to_regnamespace('weir_lineage') IS NOT NULL, to_regclass('weir_lineage.about') IS NOT NULL";
    let row = client.query_one(there, &[]).await?;
    let foreign = || {
        Fault::Broken(
            "there is a schema weir_lineage, but it is not Weir's; name another database in catalog.url"
                .to_owned(),
        )
    };
    match (row.get(0), row.get(1)) {
        (false, _) => Ok(0),
        (true, false) => Err(foreign()),
        (true, true) => {
            let query = "SELECT version FROM weir_lineage.about WHERE application = $1";
            let row = client.query_opt(query, &[&APPLICATION]).await.map_err(|error| match error.code() {
                // A table of that name without our columns.
                Some(&tokio_postgres::error::SqlState::UNDEFINED_COLUMN) => foreign(),
                _ => error.into(),
            })?;
            let version = row.ok_or_else(foreign)?.get::<_, i32>(0);
            usize::try_from(version).map_err(|_| foreign())
        }
    }
}
