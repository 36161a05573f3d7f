//! What deliveries and upkeep share: the pool, and what is known of the tables.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use weir_connect::postgres::{Lease, Pool};
use weir_core::sink::SinkError;
use weir_core::world::Clock;

use super::Connection;
use super::change::change;
use super::fault::Fault;
use super::kind::Kind;
use super::month::Month;
use super::partitions;
use super::row::Rows;
use super::schema::{self, Layout};
use super::settings::PostgresSettings;
use super::statements::{Statements, column_list};
use super::store::{Load, store};
use super::table::Table;
use crate::SettingsError;
use crate::columns::Mapping;

/// Longer than the server may take for a statement, so that mostly the server itself says that it took too long.
const GRACE: Duration = Duration::from_secs(5);
/// Partitions are there for this month and so many after it.
const MONTHS_AHEAD: i32 = 2;

pub(super) struct Inner {
    pub mapping: Arc<Mapping<Kind>>,
    pub clock: Arc<dyn Clock>,
    pool: Pool<Statements>,
    table: Table,
    columns: String,
    retention: Option<Duration>,
    time_limit: Duration,
    /// Held while they are looked at or made, so that one batch does it for all.
    layout: Mutex<Option<Arc<Layout>>>,
}

impl Inner {
    pub fn new(settings: &PostgresSettings, clock: Arc<dyn Clock>) -> Result<Self, SettingsError> {
        settings.check()?;
        let mapping = Arc::new(settings.mapping()?);
        let (size, timeout) = (settings.pool_max_connections, settings.statement_timeout);
        Ok(Self {
            pool: Pool::new(settings.address()?, size, timeout)?,
            table: settings.table()?,
            columns: column_list(&mapping),
            mapping,
            clock,
            retention: settings.retention,
            time_limit: timeout + GRACE,
            layout: Mutex::default(),
        })
    }

    /// Does the work, but not for longer than a frozen server may be waited for.
    pub async fn within<T>(&self, work: impl Future<Output = Result<T, Fault>>) -> Result<T, SinkError> {
        let limit = self.time_limit;
        match tokio::time::timeout(limit, work).await {
            Ok(result) => result.map_err(|fault| fault.at(&self.pool.address().to_string())),
            Err(_) => {
                Err(Fault::Retry(format!("no answer within {limit:?}")).at(&self.pool.address().to_string()))
            }
        }
    }

    /// Stores a batch; how many of its rows were there before.
    pub async fn deliver(&self, rows: &Rows, batch: &str) -> Result<u64, Fault> {
        let mut lease = self.pool.take().await?;
        let months = rows.rows().iter().map(|row| Month::of(row.received_at)).collect();
        let stored = self.store(&mut lease.connection, &months, rows, batch).await;
        self.settle(lease, stored).await
    }

    async fn store(
        &self,
        connection: &mut Connection,
        months: &BTreeSet<Month>,
        rows: &Rows,
        batch: &str,
    ) -> Result<u64, Fault> {
        let layout = self.layout(connection, months).await?;
        let statements = match &connection.statements {
            Some(statements) => statements.clone(),
            None => Statements::prepare(&connection.client, &layout).await?,
        };
        connection.statements = Some(statements.clone());
        let load = Load { rows, batch, layout: &layout, columns: &self.columns };
        store(connection, &statements, &load).await
    }

    /// The connection is kept where it is sound, and what is known of the tables as long as nothing speaks against it.
    async fn settle<T>(&self, lease: Lease<'_, Statements>, result: Result<T, Fault>) -> Result<T, Fault> {
        match &result {
            Ok(_) => lease.give_back(),
            // Its halves will follow at once.
            Err(Fault::Refused(_)) if lease.connection.roll_back().await.is_ok() => lease.give_back(),
            Err(fault) if fault.calls_for_a_look() => *self.layout.lock().await = None,
            Err(_) => {}
        }
        result
    }

    /// The tables, with partitions for these months.
    async fn layout(&self, connection: &Connection, months: &BTreeSet<Month>) -> Result<Arc<Layout>, Fault> {
        let mut known = self.layout.lock().await;
        if let Some(layout) = known.as_ref().filter(|layout| layout.has(months)) {
            return Ok(layout.clone());
        }
        let months = months.iter().copied().chain(self.months_ahead()).collect();
        let layout = Arc::new(schema::prepare(connection, &self.table, &self.mapping, &months).await?);
        *known = Some(layout.clone());
        Ok(layout)
    }

    fn months_ahead(&self) -> impl Iterator<Item = Month> {
        let now = Month::of(self.clock.now());
        (0..=MONTHS_AHEAD).map(move |months| now.plus(months))
    }

    /// Looks at the tables anew, makes partitions ahead, drops those that have had their time, and forgets batches that
    /// nobody will send again.
    pub async fn keep_up(&self) -> Result<(), Fault> {
        let lease = self.pool.take().await?;
        let kept = self.keep_up_over(&lease.connection).await;
        self.settle(lease, kept).await
    }

    async fn keep_up_over(&self, connection: &Connection) -> Result<(), Fault> {
        *self.layout.lock().await = None;
        let layout = self.layout(connection, &BTreeSet::new()).await?;
        if let Some(age) = self.retention {
            for statement in partitions::removal(&layout, self.clock.now().before(age)) {
                change(connection, &["SET LOCAL lock_timeout = '5s'".to_owned(), statement]).await?;
                *self.layout.lock().await = None;
            }
        }
        let forget = format!("DELETE FROM {} WHERE settled_at < now() - interval '1 day'", layout.batches());
        connection.client.execute(&forget, &[]).await?;
        Ok(())
    }
}
