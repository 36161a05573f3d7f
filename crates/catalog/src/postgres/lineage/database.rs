//! The database, as all who work on it share it: connections, whether the tables are there, and what is to be tidied.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::OnceCell;
use weir_connect::SettingsError;
use weir_connect::postgres::{Lease, Pool, PostgresAddress};
use weir_core::row_id::RowIds;

use super::schema;
use super::session::{EXCHANGE_TIMEOUT, STATEMENT_TIMEOUT, Session, Statements};
use super::tables::PostgresTables;
use super::upkeep::Upkeep;
use crate::lineage::questions;
use crate::postgres::fault::Fault;

/// Connections open at once: of who reads, of who writes, and of who tidies up.
const CONNECTIONS_MAX: usize = super::READERS_MAX + 2;

/// The database.
pub(super) struct Database {
    pool: Pool<Statements>,
    pub row_ids: Arc<RowIds>,
    pub upkeep: Upkeep,
    is_ready: OnceCell<()>,
}

impl Database {
    pub fn new(address: PostgresAddress, row_ids: Arc<RowIds>) -> Result<Self, SettingsError> {
        let pool = Pool::new(address, CONNECTIONS_MAX, STATEMENT_TIMEOUT)?;
        Ok(Self { pool, row_ids, upkeep: Upkeep::default(), is_ready: OnceCell::new() })
    }

    /// Brings the tables up to date, once: where it fails, whoever comes next tries again.
    pub async fn ready(self: &Arc<Self>) -> Result<(), Fault> {
        let prepare = async || {
            let (database, handle) = (self.clone(), Handle::current());
            let prepared = tokio::task::spawn_blocking(move || database.prepare(&handle)).await;
            prepared.unwrap_or_else(|error| Err(Fault::Retry(error.to_string())))
        };
        self.is_ready.get_or_try_init(prepare).await.copied()
    }

    fn prepare(&self, handle: &Handle) -> Result<(), Fault> {
        let mut lease = handle.block_on(self.take())?;
        let bring_up_to_date = async {
            lease.connection.check_server().await?;
            schema::bring_up_to_date(&lease.connection.client).await
        };
        self.at(handle.block_on(within(bring_up_to_date)))?;
        let mut tables = PostgresTables::new(Session::new(handle.clone(), &mut lease.connection))?;
        if let Some(greatest) = self.at(questions::greatest_id(&mut tables))? {
            self.row_ids.go_on_after(greatest);
        }
        lease.give_back();
        Ok(())
    }

    /// A connection, which is closed unless it is given back.
    pub async fn take(&self) -> Result<Lease<'_, Statements>, Fault> {
        self.at(within(async { Ok(self.pool.take().await?) }).await)
    }

    /// Does a piece of work over a connection of its own, which is kept only where all went well.
    pub fn with_tables<T>(
        &self,
        handle: &Handle,
        work: impl FnOnce(PostgresTables<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let mut lease = handle.block_on(self.take())?;
        let session = Session::new(handle.clone(), &mut lease.connection);
        let done = self.at(PostgresTables::new(session).and_then(work))?;
        lease.give_back();
        Ok(done)
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
async fn within<T>(exchange: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let late = |_| Fault::Retry(format!("no answer within {EXCHANGE_TIMEOUT:?}"));
    tokio::time::timeout(EXCHANGE_TIMEOUT, exchange).await.map_err(late)?
}
