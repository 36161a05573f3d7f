//! The ClickHouse sink: one row an event, by the HTTP interface.
//!
//! **Constraint.** A batch is one insert of one block, and its id the block's token: the table remembers the tokens of
//! the last inserts and passes a repeat over. Behind that the table replaces rows of one event by the first. What is
//! already there is not told by the server, so duplicates between batches are not counted.
//!
//! [`rows`] writes the body by the [`layout`] of the [`table`], which is made by a [`statement`] or checked for its
//! [`difference`]; [`hosts`] sends it, [`fault`] knows what the server's errors mean. [`kind`] are the types of columns
//! of one's own, with [`wide`] numbers and [`moment`]s, [`binary`] how values are written.

mod binary;
mod difference;
mod fault;
mod hosts;
mod kind;
mod layout;
mod moment;
mod rows;
mod settings;
mod statement;
mod table;
mod wide;

use std::sync::Arc;

use anyhow::anyhow;
use async_trait::async_trait;
use weir_core::event::Record;
use weir_core::sink::{Batch, Receipt, Sink, SinkError};

use crate::SettingsError;
use crate::client::within;
use crate::columns::Mapping;
use fault::Meaning;
use hosts::{Failure, Hosts, Question};
use kind::Kind;
use rows::{Body, Rows};
pub use settings::{ClickHouseSettings, Compression, JsonType};
use table::{Layout, Table};

/// Stores events as rows.
pub struct ClickHouseSink {
    hosts: Hosts,
    table: Table,
    mapping: Arc<Mapping<Kind>>,
    settings: ClickHouseSettings,
    address: String,
}

impl ClickHouseSink {
    /// Made ready, without asking a server for anything.
    pub fn start(settings: ClickHouseSettings) -> Result<Self, SettingsError> {
        settings.check()?;
        let mapping = Arc::new(settings.mapping()?);
        let hosts = Hosts::new(&settings)?;
        let table = Table::new(settings.clone(), mapping.clone());
        Ok(Self { address: hosts.addresses(), hosts, table, mapping, settings })
    }

    async fn store(&self, batch: &Batch) -> Result<Receipt, SinkError> {
        let layout = self.table.layout(&self.hosts).await?;
        let body = self.write(batch.records.clone(), &layout).await?;
        if body.rows == 0 {
            return Ok(body.receipt);
        }
        let token = Some(batch.id.to_string());
        let Err(failure) = self.insert(&body, &layout, token).await else { return Ok(body.receipt) };
        if matches!(failure.meaning(), Meaning::Rows | Meaning::Table)
            && self.table.has_changed(&self.hosts, &layout).await?
        {
            return Err(SinkError::retry(anyhow!(
                "{}: the table has changed; the batch is sent anew",
                self.address
            )));
        }
        Err(failure.into())
    }

    async fn write(&self, records: Arc<Vec<Record>>, layout: &Arc<Layout>) -> Result<Body, SinkError> {
        let rows = Rows {
            records,
            mapping: self.mapping.clone(),
            layout: layout.clone(),
            compression: self.settings.compression,
        };
        let written = tokio::task::spawn_blocking(move || rows.write()).await.map_err(SinkError::retry)?;
        written.map_err(SinkError::retry)
    }

    async fn insert(&self, body: &Body, layout: &Layout, token: Option<String>) -> Result<(), Failure> {
        let settings = statement::INSERT_SETTINGS.map(|(name, value)| (name, value.to_owned()));
        let mut parameters = settings.to_vec();
        parameters.extend(token.map(|token| ("insert_deduplication_token", token)));
        if layout.is_json {
            parameters.push(("input_format_binary_read_json_as_string", "1".to_owned()));
        }
        let question = Question {
            statement: statement::insert(&self.settings),
            parameters,
            body: body.bytes.clone(),
            encoding: body.encoding,
        };
        self.hosts.ask(&question).await.map(drop)
    }

    /// An insert of no rows shows whether one of many would be let in.
    async fn try_out(&self) -> Result<(), SinkError> {
        let layout = self.table.look(&self.hosts).await?;
        let nothing = self.write(Arc::default(), &layout).await?;
        Ok(self.insert(&nothing, &layout, None).await?)
    }
}

#[async_trait]
impl Sink for ClickHouseSink {
    async fn check(&self) -> Result<(), SinkError> {
        within(self.settings.request_timeout, &self.address, self.try_out()).await
    }

    async fn deliver(&self, batch: &Batch) -> Result<Receipt, SinkError> {
        within(self.settings.request_timeout, &self.address, self.store(batch)).await
    }
}
