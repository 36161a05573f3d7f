//! What is tidied up beside the work: rows that others have taken the place of, and runs that have grown many.
//!
//! **Constraint.** The server's own upkeep comes once a minute, and by then as much may lie dead as lives. Here it is done
//! by what was replaced, so that it never is more than a small share. Of several instances, one does it at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use super::database::Database;
use super::schema::LOCK_CLASS;
use super::tables::PostgresTables;
use crate::lineage::key_runs;
use crate::postgres::fault::Fault;

/// Held by whoever tidies up.
const TIDYING: i32 = 2;
/// How often at least, where anything was written.
const INTERVAL: Duration = Duration::from_secs(30);
/// Sooner, when so much was replaced, or this share of the table.
const REPLACED_MIN_BYTES: u64 = 8 << 20;
const REPLACED_SHARE: u64 = 16;
/// And when so many groups were joined, each of which makes a run.
const GROUPS_MAX: u64 = 32;
/// The server goes over a large table in that.
const VACUUM_TIMEOUT: Duration = Duration::from_secs(600);

/// What there is to do.
#[derive(Default)]
pub(super) struct Upkeep {
    replaced_bytes: AtomicU64,
    groups: AtomicU64,
    replaced_max_bytes: AtomicU64,
    wanted: Notify,
}

impl Upkeep {
    /// A group was joined, which took the place of so much.
    pub fn told_of(&self, replaced_bytes: u64) {
        let replaced = self.replaced_bytes.fetch_add(replaced_bytes, Ordering::Relaxed) + replaced_bytes;
        let groups = self.groups.fetch_add(1, Ordering::Relaxed) + 1;
        if replaced >= self.limit_bytes() || groups >= GROUPS_MAX {
            self.wanted.notify_one();
        }
    }

    /// So much may be replaced before it is worth while to go over the table.
    fn limit_bytes(&self) -> u64 {
        self.replaced_max_bytes.load(Ordering::Relaxed).max(REPLACED_MIN_BYTES)
    }
}

/// Tidies up for as long as it is let.
pub(super) async fn run(database: Arc<Database>) {
    loop {
        // Whether it was called or not makes no difference.
        let _ = tokio::time::timeout(INTERVAL, database.upkeep.wanted.notified()).await;
        let groups = database.upkeep.groups.swap(0, Ordering::Relaxed);
        if groups == 0 {
            continue;
        }
        // Who writes meets the same, and tells it.
        if let Err(fault) = tidy_up(&database).await {
            tracing::debug!(fault = fault.message(), "lineage in Postgres is tidied up later");
        }
    }
}

async fn tidy_up(database: &Arc<Database>) -> Result<(), Fault> {
    database.ready().await?;
    let worker = database.clone();
    let joining = tokio::task::spawn_blocking(move || {
        while worker.with_tables(join_runs)? {}
        Ok(())
    });
    joining.await.unwrap_or_else(|error| Err(Fault::Retry(error.to_string())))?;
    remove_replaced(database).await
}

/// Joins runs of one size, where there are too many; whether there were.
fn join_runs(mut tables: PostgresTables<'_>) -> Result<bool, Fault> {
    tables.session.tell("BEGIN")?;
    let is_mine = "SELECT pg_try_advisory_xact_lock($1, $2)";
    let is_mine = tables.session.query(is_mine, &[&LOCK_CLASS, &TIDYING])?;
    if is_mine.first().is_some_and(|row| row.get(0)) && key_runs::join_crowded(&mut tables)? {
        tables.write()?;
        return Ok(true);
    }
    tables.session.tell("ROLLBACK")?;
    Ok(false)
}

/// Gives the room of replaced rows to those to come, where it is worth it.
async fn remove_replaced(database: &Database) -> Result<(), Fault> {
    let upkeep = &database.upkeep;
    if upkeep.replaced_bytes.load(Ordering::Relaxed) < upkeep.limit_bytes() {
        return Ok(());
    }
    upkeep.replaced_bytes.store(0, Ordering::Relaxed);
    let vacuum = async {
        // The connection is not given back: on others the server is not to be so patient.
        let lease = database.take().await?;
        let client = &lease.connection.client;
        client.batch_execute(&format!("SET statement_timeout = {}", VACUUM_TIMEOUT.as_millis())).await?;
        for table in ["blocks", "traces", "key_runs"] {
            client.batch_execute(&format!("VACUUM (SKIP_LOCKED) weir_lineage.{table}")).await?;
        }
        let row = client.query_one("SELECT pg_table_size('weir_lineage.blocks')", &[]).await?;
        Ok::<_, Fault>(row.get::<_, i64>(0).unsigned_abs())
    };
    let late = |_| Fault::Retry("the server did not come to an end of tidying up".to_owned());
    let size_bytes = tokio::time::timeout(VACUUM_TIMEOUT, vacuum).await.map_err(late)??;
    upkeep.replaced_max_bytes.store(size_bytes / REPLACED_SHARE, Ordering::Relaxed);
    Ok(())
}
