//! The catalog in one SQLite file.
//!
//! **Constraints.** One connection writes, owned by one thread, which commits for everybody at once
//! ([`writer`]); other connections read and never wait for it ([`readers`]). Every commit is synced to disk before
//! anybody hears of it. No call blocks the async runtime, and each is answered within [`ANSWER_TIMEOUT`].

mod accounts;
mod conditions;
mod connection;
mod fault;
mod files;
mod letters;
mod lineage;
mod migrations;
mod plans;
mod readers;
mod resending;
mod writer;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use weir_core::catalog::{
    self, Account, AccountKey, Catalog, CatalogError, DeadLetter, DeadLetterFilter, Opening, Plan, Resent,
    Settlement,
};
use weir_core::event::Stream;
use weir_core::sink::SinkName;
use weir_core::streams::Streams;

pub use files::SqliteFiles;
pub use lineage::SqliteLineage;

use connection::Place;
use readers::Readers;
use writer::Writer;

/// How long a call may wait for its turn and its answer, before it is told to ask again.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// A catalog in a file. Dropping it lets what waits be written; [`SqliteCatalog::close`] waits for that.
pub struct SqliteCatalog {
    place: Place,
    writer: Writer,
    readers: Readers,
}

impl SqliteCatalog {
    /// Opens the file, made with its directories where it is not there, and brings its tables up to date.
    pub fn open(path: &Path) -> Result<Self, CatalogError> {
        Self::open_at(Place::new(path)?)
    }

    fn open_at(place: Place) -> Result<Self, CatalogError> {
        place.create_file()?;
        let mut connection = place.connect_to_write()?;
        migrations::migrate(&mut connection, &place.path)?;
        let writer = Writer::start(place.clone(), connection)?;
        let readers = Readers::new(place.clone());
        Ok(Self { place, writer, readers })
    }

    /// Writes what waits, folds the write-ahead log into the file and closes it. Calls after it are refused.
    pub async fn close(&self) {
        self.writer.close().await;
        self.readers.close();
    }

    /// How much disk the catalog takes.
    pub fn size_bytes(&self) -> u64 {
        self.place.size_bytes()
    }
}

#[async_trait]
impl Catalog for SqliteCatalog {
    async fn open_account(&self, key: &AccountKey, opening: &Opening) -> Result<Account, CatalogError> {
        let (key, opening) = (key.clone(), *opening);
        self.writer.write(move |connection| accounts::open(connection, &key, &opening)).await
    }

    async fn accounts(&self) -> Result<Vec<Account>, CatalogError> {
        self.readers.read(accounts::list).await
    }

    async fn claim(
        &self,
        key: &AccountKey,
        streams: &Streams,
        accepted_before: &BTreeMap<Stream, u64>,
        under_way: u64,
    ) -> Result<Account, CatalogError> {
        let (key, streams, before) = (key.clone(), streams.clone(), accepted_before.clone());
        self.writer
            .write(move |connection| accounts::claim(connection, &key, &streams, &before, under_way))
            .await
    }

    async fn take_up(
        &self,
        key: &AccountKey,
        place: &catalog::Place,
    ) -> Result<catalog::Place, CatalogError> {
        let (key, place) = (key.clone(), place.clone());
        self.writer.write(move |connection| plans::take_up(connection, &key, &place)).await
    }

    async fn pause(&self, sink: &SinkName, paused: bool) -> Result<(), CatalogError> {
        let sink = sink.clone();
        self.writer.write(move |connection| accounts::pause(connection, &sink, paused)).await
    }

    async fn paused(&self) -> Result<BTreeSet<SinkName>, CatalogError> {
        self.readers.read(accounts::paused).await
    }

    async fn forget(&self, sink: &SinkName, lane: &str) -> Result<bool, CatalogError> {
        let (sink, lane) = (sink.clone(), lane.to_owned());
        self.writer.write(move |connection| accounts::forget(connection, &sink, &lane)).await
    }

    async fn plan(&self, plans: &[Plan]) -> Result<(), CatalogError> {
        let plans = plans.to_vec();
        self.writer.write(move |connection| plans::plan(connection, &plans)).await
    }

    async fn unsettled(&self, key: &AccountKey) -> Result<Vec<Plan>, CatalogError> {
        let key = key.clone();
        self.readers.read(move |connection| plans::unsettled(connection, &key)).await
    }

    async fn settle(&self, settlement: &Settlement) -> Result<(), CatalogError> {
        let settlement = settlement.clone();
        self.writer.write(move |connection| plans::settle(connection, &settlement)).await
    }

    async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, CatalogError> {
        let filter = filter.clone();
        self.readers.read(move |connection| letters::list(connection, &filter, before, limit)).await
    }

    async fn dead_letter(&self, id: i64) -> Result<Option<DeadLetter>, CatalogError> {
        self.readers.read(move |connection| letters::find(connection, id)).await
    }

    async fn delete_dead_letter(&self, id: i64) -> Result<bool, CatalogError> {
        self.writer.write(move |connection| letters::delete(connection, id)).await
    }

    async fn resend(
        &self,
        filter: &DeadLetterFilter,
        id: Option<i64>,
    ) -> Result<Vec<(AccountKey, u64)>, CatalogError> {
        let filter = filter.clone();
        self.writer.write(move |connection| resending::release(connection, &filter, id)).await
    }

    async fn resending(&self, key: &AccountKey, limit: usize) -> Result<Vec<DeadLetter>, CatalogError> {
        let key = key.clone();
        self.readers.read(move |connection| resending::waiting(connection, &key, limit)).await
    }

    async fn settle_resent(&self, key: &AccountKey, outcomes: &[Resent]) -> Result<(), CatalogError> {
        let (key, outcomes) = (key.clone(), outcomes.to_vec());
        self.writer.write(move |connection| resending::settle(connection, &key, &outcomes)).await
    }
}
