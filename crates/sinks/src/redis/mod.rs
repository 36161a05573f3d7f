//! The Redis sink: one entry of a stream an event.
//!
//! **Constraint.** What a batch has for one key is added by one script, whole or not at all, which notes the batch's name
//! beside the stream and passes over one that it has noted. The last 10,000 names are kept.

mod entries;
mod script;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, StreamExt, TryStreamExt};
use weir_connect::redis::RedisClient;
use weir_core::sink::{Batch, Receipt, Sink, SinkError};

use crate::SettingsError;
use crate::brokers::{Format, Template, sink_error};
use entries::{Entries, EntryFields};
use script::Trimming;
pub use settings::RedisSettings;

/// Of one batch, for so many keys at once.
const KEYS_AT_ONCE: usize = 16;

/// Adds events to streams of Redis.
pub struct RedisSink {
    client: RedisClient,
    key: Arc<Template>,
    format: Format,
    trimming: Trimming,
    request_timeout: Duration,
}

impl RedisSink {
    /// Made ready, without asking a server for anything.
    pub fn start(settings: &RedisSettings) -> Result<Self, SettingsError> {
        settings.check()?;
        // What can be told of the files is told at the start.
        settings.tls.client_config()?;
        Ok(Self {
            client: RedisClient::new(settings.address()?, settings.tls.clone()),
            key: Arc::new(settings.key()?),
            format: settings.format,
            trimming: Trimming { max_length: settings.max_length, max_age: settings.max_age },
            request_timeout: settings.request_timeout,
        })
    }

    /// How many of the entries were there before.
    async fn add(&self, batch: &str, key: &str, entries: &[EntryFields]) -> Result<u64, SinkError> {
        let command = script::add(batch, key, entries, self.trimming);
        let answer = self.client.ask(key, &command, self.request_timeout).await.map_err(sink_error)?;
        Ok(if script::is_new(&answer) { 0 } else { entries.len() as u64 })
    }
}

#[async_trait]
impl Sink for RedisSink {
    async fn check(&self) -> Result<(), SinkError> {
        // Where the key depends on the event, any will show whether we are let in.
        let key = self.key.literal().unwrap_or("weir");
        let answer =
            self.client.ask(key, &script::look(key), self.request_timeout).await.map_err(sink_error)?;
        script::checked(key, answer)
    }

    async fn deliver(&self, batch: &Batch) -> Result<Receipt, SinkError> {
        let (records, key, format) = (batch.records.clone(), self.key.clone(), self.format);
        let write = move || Entries::write(&records, &key, format);
        let Entries { by_key, twins, refused } =
            tokio::task::spawn_blocking(write).await.map_err(SinkError::retry)?;
        let name = batch.id.to_string();
        let added: Vec<_> = by_key.iter().map(|(key, entries)| self.add(&name, key, entries)).collect();
        let known: Vec<u64> = stream::iter(added).buffer_unordered(KEYS_AT_ONCE).try_collect().await?;
        Ok(Receipt {
            duplicates: twins + known.iter().sum::<u64>(),
            exceptions: refused,
            ..Receipt::default()
        })
    }
}
