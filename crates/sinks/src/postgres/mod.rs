//! The Postgres sink: one row an event, in a table partitioned by the month in which events are received.
//!
//! **Constraint.** A batch is one transaction: its rows, and the note that it is settled. A repeat has no effect by
//! three means, each for what the one before cannot see: the note knows a batch whose answer was lost; a look for ids
//! that clients gave finds their repeats in this month and its neighbours; a unique `event_id` in each partition holds
//! against everything else.
//!
//! [`row`] makes of an event the bytes that `COPY` takes, refusing what no row can hold; [`store`] is the transaction,
//! over a connection of [`weir_connect::postgres`]'s pool; [`schema`] and [`partitions`] see to it that the tables are there; [`fault`]
//! judges every error by its SQLSTATE.

mod cell;
mod change;
mod fault;
mod inner;
mod json;
mod kind;
mod month;
mod numeric;
mod partitions;
mod row;
mod schema;
mod settings;
mod statements;
mod store;
mod table;
mod upkeep;

use std::sync::Arc;

use async_trait::async_trait;
use tokio::task::JoinHandle;
use weir_core::sink::{Batch, Receipt, Sink, SinkError};
use weir_core::world::Clock;

use crate::SettingsError;
use inner::Inner;
use row::Rows;
pub use settings::PostgresSettings;
use statements::Statements;

type Connection = weir_connect::postgres::Connection<Statements>;

/// Stores events in a table of a Postgres database.
pub struct PostgresSink {
    inner: Arc<Inner>,
    upkeep: JoinHandle<()>,
}

impl PostgresSink {
    /// Made ready, without asking the server for anything. Called within a tokio runtime, which makes partitions
    /// ahead and drops those whose time is over.
    pub fn start(settings: &PostgresSettings, clock: Arc<dyn Clock>) -> Result<Self, SettingsError> {
        let inner = Arc::new(Inner::new(settings, clock)?);
        let upkeep = tokio::spawn(upkeep::run(inner.clone()));
        Ok(Self { inner, upkeep })
    }
}

impl Drop for PostgresSink {
    fn drop(&mut self) {
        self.upkeep.abort();
    }
}

#[async_trait]
impl Sink for PostgresSink {
    async fn check(&self) -> Result<(), SinkError> {
        self.inner.within(self.inner.keep_up()).await
    }

    async fn deliver(&self, batch: &Batch) -> Result<Receipt, SinkError> {
        let (records, mapping) = (batch.records.clone(), self.inner.mapping.clone());
        let read = move || Rows::read(&records, &mapping);
        let rows = tokio::task::spawn_blocking(read).await.map_err(SinkError::retry)?;
        let duplicates = match rows.is_empty() {
            true => 0,
            false => self.inner.within(self.inner.deliver(&rows, &batch.id.to_string())).await?,
        };
        Ok(Receipt { duplicates: duplicates + rows.twins, exceptions: rows.refused, ..Receipt::default() })
    }
}
