//! The database, as all who work on it share it: connections, whether the tables are there, and what is to be tidied.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;
use weir_connect::SettingsError;
use weir_connect::postgres::{Lease, Pool, PostgresAddress};
use weir_core::row_id::RowIds;

use super::line::Line;
use super::schema;
use super::session::{EXCHANGE_TIMEOUT, STATEMENT_TIMEOUT, Session, Statements};
use super::tables::PostgresTables;
use super::upkeep::Upkeep;
use crate::lineage::questions;
use crate::postgres::fault::Fault;

/// Connections open at once beside the lines: of who goes over whole tables.
const CONNECTIONS_MAX: usize = 1;

/// The database.
pub(super) struct Database {
    pool: Pool<Statements>,
    /// Those that nobody uses: of who reads, of who writes, and of who tidies up, as many as there ever were at once.
    lines: Mutex<Vec<Line>>,
    pub row_ids: Arc<RowIds>,
    pub upkeep: Upkeep,
    is_ready: OnceCell<()>,
}

impl Database {
    pub fn new(address: PostgresAddress, row_ids: Arc<RowIds>) -> Result<Self, SettingsError> {
        let pool = Pool::new(address, CONNECTIONS_MAX, STATEMENT_TIMEOUT)?;
        let lines = Mutex::default();
        Ok(Self { pool, lines, row_ids, upkeep: Upkeep::default(), is_ready: OnceCell::new() })
    }

    /// Brings the tables up to date, once: where it fails, whoever comes next tries again.
    pub async fn ready(self: &Arc<Self>) -> Result<(), Fault> {
        let prepare = async || {
            let database = self.clone();
            let prepared = tokio::task::spawn_blocking(move || database.prepare()).await;
            prepared.unwrap_or_else(|error| Err(Fault::Retry(error.to_string())))
        };
        self.is_ready.get_or_try_init(prepare).await.copied()
    }

    fn prepare(&self) -> Result<(), Fault> {
        let bring_up_to_date = self.with_line(|line| {
            line.with(|runtime, connection| {
                runtime.block_on(within(async {
                    connection.check_server().await?;
                    schema::bring_up_to_date(&connection.client).await
                }))
            })
        });
        bring_up_to_date?;
        if let Some(greatest) = self.with_tables(|mut tables| questions::greatest_id(&mut tables))? {
            self.row_ids.go_on_after(greatest);
        }
        Ok(())
    }

    /// A connection, which is closed unless it is given back.
    pub async fn take(&self) -> Result<Lease<'_, Statements>, Fault> {
        self.at(within(async { Ok(self.pool.take().await?) }).await)
    }

    /// Does a piece of work over a connection of its own, on a thread that may wait.
    pub fn with_tables<T>(
        &self,
        work: impl FnOnce(PostgresTables<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.with_line(|line| {
            line.with(|runtime, connection| {
                PostgresTables::new(Session::new(runtime, connection)).and_then(work)
            })
        })
    }

    fn with_line<T>(&self, work: impl FnOnce(&Line) -> Result<T, Fault>) -> Result<T, Fault> {
        let idle = self.idle_lines().pop();
        let line = idle.map_or_else(|| Line::new(self.pool.address().clone()), Ok)?;
        let done = self.at(work(&line));
        self.idle_lines().push(line);
        done
    }

    fn idle_lines(&self) -> MutexGuard<'_, Vec<Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says where it went wrong.
    fn at<T>(&self, result: Result<T, Fault>) -> Result<T, Fault> {
        let address = self.pool.address();
        result.map_err(|fault| match fault {
            Fault::Retry(text) => Fault::Retry(format!("{address}: {text}")),
            Fault::Broken(text) => Fault::Broken(format!("{address}: {text}")),
        })
    }
}

/// For no longer than a frozen server may be waited for.
pub(super) async fn within<T>(exchange: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let late = |_| Fault::Retry(format!("no answer within {EXCHANGE_TIMEOUT:?}"));
    tokio::time::timeout(EXCHANGE_TIMEOUT, exchange).await.map_err(late)?
}
