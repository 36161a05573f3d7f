//! The rows about kept files in one SQLite file, beside the catalog's.
//!
//! **Constraints.** The file is its own: who moves the files of a Weir elsewhere takes it along, and uploads wait for
//! nobody's events. As in the catalog, one thread writes, and every commit is synced before anybody hears of it.

mod ending;
mod inline;
mod rows;
#[cfg(test)]
mod tests;
mod totals;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::Connection;
use weir_core::files::{
    Act, Added, ContentHash, ContentRef, Ending, FileCatalog, FileFacts, FileFilter, FilesError, Offer,
    Owner, Page, StoredFile, Totals,
};
use weir_core::row_id::RowIds;
use weir_core::time::Timestamp;

use super::connection::Place;
use super::fault::Fault;
use super::migrations::{Schema, bring_up_to_date};
use super::readers::Readers;
use super::writer::Writer;

/// Reads `WFIL`.
const SCHEMA: Schema = Schema {
    application_id: 0x5746_494C,
    what: "list of files",
    migrations: &[
        include_str!("migrations/0001_files.sql"),
        include_str!("migrations/0002_inline_contents.sql"),
    ],
    remedy: "move the file away together with the files that it lists",
};

/// An upload waits for its row, and few of them go on at once.
const COMMIT_PAUSE: Duration = Duration::from_millis(1);
/// Small contents fill the write-ahead log sooner than rows do.
const CHECKPOINT_PAGES: u32 = 4_000;

/// Rows about files, in a file. Dropping it lets what waits be written; [`SqliteFiles::close`] waits for that.
pub struct SqliteFiles {
    writer: Writer,
    readers: Readers,
    row_ids: Arc<RowIds>,
}

impl SqliteFiles {
    /// Opens the file, made with its directories where it is not there, and brings its tables up to date.
    pub fn open(path: &Path, row_ids: Arc<RowIds>) -> Result<Self, FilesError> {
        let place = Place {
            what: SCHEMA.what,
            commit_pause: COMMIT_PAUSE,
            checkpoint_pages: CHECKPOINT_PAGES,
            ..Place::new(path)?
        };
        place.create_file()?;
        let mut connection = place.connect_to_write()?;
        bring_up_to_date(&SCHEMA, &mut connection, &place.path)?;
        let writer = Writer::start(place.clone(), connection)?;
        Ok(Self { writer, readers: Readers::new(place), row_ids })
    }

    /// Writes what waits and closes the file. Calls after it are refused.
    pub async fn close(&self) {
        self.writer.close().await;
        self.readers.close();
    }
}

/// The next number for a table. A clock that was set back makes none twice.
fn next_id(connection: &Connection, table: &str, row_ids: &RowIds) -> Result<i64, Fault> {
    let last: Option<i64> = connection
        .prepare_cached(&format!("SELECT max(id) FROM {table}"))?
        .query_row([], |row| row.get(0))?;
    Ok(row_ids.next().max(last.map_or(0, |last| last + 1)))
}

#[async_trait]
impl FileCatalog for SqliteFiles {
    async fn content(&self, hash: ContentHash) -> Result<Option<ContentRef>, FilesError> {
        self.readers.read(move |connection| rows::content(connection, hash)).await
    }

    async fn inline(&self, content: ContentRef) -> Result<Option<Bytes>, FilesError> {
        self.readers.read(move |connection| inline::read(connection, content)).await
    }

    async fn add(&self, facts: FileFacts, offer: Offer) -> Result<Option<Added>, FilesError> {
        let row_ids = self.row_ids.clone();
        self.writer.write(move |connection| rows::add(connection, facts, offer, &row_ids)).await
    }

    async fn find(&self, name: &str) -> Result<Option<StoredFile>, FilesError> {
        let name = name.to_owned();
        self.readers.read(move |connection| rows::find(connection, &name)).await
    }

    async fn list(
        &self,
        filter: &FileFilter,
        after: Option<i64>,
        limit: usize,
    ) -> Result<Page<StoredFile>, FilesError> {
        let filter = filter.clone();
        self.readers.read(move |connection| rows::list(connection, &filter, after, limit)).await
    }

    async fn totals(&self, owner: &Owner) -> Result<Totals, FilesError> {
        let owner = owner.clone();
        self.readers.read(move |connection| totals::of(connection, &owner)).await
    }

    async fn end(&self, id: i64, ending: Ending, at: Timestamp) -> Result<Option<Act>, FilesError> {
        let row_ids = self.row_ids.clone();
        self.writer.write(move |connection| ending::end(connection, id, ending, at, &row_ids)).await
    }

    async fn acts(&self, before: Option<i64>, limit: usize) -> Result<Page<Act>, FilesError> {
        self.readers.read(move |connection| ending::acts(connection, before, limit)).await
    }

    async fn untold(&self, limit: usize) -> Result<Vec<Act>, FilesError> {
        self.readers.read(move |connection| ending::untold(connection, limit)).await
    }

    async fn told(&self, act: i64) -> Result<(), FilesError> {
        self.writer.write(move |connection| ending::told(connection, act)).await
    }

    async fn contents(&self, after: Option<ContentRef>, limit: usize) -> Result<Vec<ContentRef>, FilesError> {
        self.readers.read(move |connection| rows::contents(connection, after, limit)).await
    }

    async fn going(&self, limit: usize) -> Result<Vec<ContentRef>, FilesError> {
        self.readers.read(move |connection| rows::going(connection, limit)).await
    }

    async fn forget(&self, content: ContentRef) -> Result<(), FilesError> {
        self.writer.write(move |connection| rows::forget(connection, content)).await
    }
}

impl From<Fault> for FilesError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Retry(message) => Self::Retry(anyhow::anyhow!(message)),
            Fault::Broken(message) => Self::Broken(anyhow::anyhow!(message)),
        }
    }
}
