//! Files in and out.
//!
//! **Constraints.** No file of more than a megabyte is whole in memory, on neither way. A file is acknowledged when its bytes
//! and its row are durable and, where it belongs to a trace, what is told of it is logged; half an upload leaves nothing
//! behind. Names are names, never paths.

mod archive;
mod delete;
mod digest;
mod download;
mod file_form;
mod incoming;
mod list;
mod multipart;
mod name;
mod range;
pub mod resumable;
mod retention;
mod telling;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use weir_core::files::{Fate, FileCatalog, FilesError, RetentionRule, StoredFile};
use weir_files::packing::PIECE_BYTES;
use weir_files::{Files, ResumableUploads};

use super::entry::Api;
use super::problem::Problem;
use super::route::decoded;
use crate::server::Patience;

pub use archive::{__path_archive, archive};
pub use delete::{__path_delete, delete};
pub use download::{__path_download, __path_metadata, download, known, metadata, no_such_range};
pub use incoming::Pace;
pub use list::{__path_group, __path_list, group, list};
pub use range::{Wanted, wanted};
pub use resumable::resumable;
pub use retention::{__path_acts, __path_preview, acts, preview};
pub use telling::tell;
pub use upload::{__path_upload, Receiving, Told, keep, upload};

/// Uploads that come in at once; each holds a few megabytes, or less than one where it says that it is small.
const UPLOADS_MAX: usize = 16;
const SMALL_UPLOADS_MAX: usize = 64;
/// Archives that are made at once, each by a thread.
const ARCHIVES_MAX: usize = 4;
/// How long an upload waits for others to end. Its body waits with its sender.
const UPLOAD_PATIENCE: Duration = Duration::from_secs(10);
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What the API knows of files.
pub struct FileDesk {
    files: Arc<Files>,
    resumable: Arc<ResumableUploads>,
    uploads: Arc<Semaphore>,
    small_uploads: Arc<Semaphore>,
    archives: Arc<Semaphore>,
    rules: Vec<RetentionRule>,
}

impl FileDesk {
    /// Over these, which retention keeps to these rules.
    pub fn new(files: Arc<Files>, resumable: Arc<ResumableUploads>, rules: Vec<RetentionRule>) -> Self {
        let semaphore = |places| Arc::new(Semaphore::new(places));
        Self {
            files,
            resumable,
            uploads: semaphore(UPLOADS_MAX),
            small_uploads: semaphore(SMALL_UPLOADS_MAX),
            archives: semaphore(ARCHIVES_MAX),
            rules,
        }
    }

    /// That of this API, where it keeps files.
    pub(super) fn of(api: &Api) -> Result<&Self, Problem> {
        let off = || Problem::not_found("no files are kept here; files.enabled = true turns them on");
        api.surroundings.files.as_ref().ok_or_else(off)
    }

    /// The rows.
    pub(super) fn catalog(&self) -> &dyn FileCatalog {
        self.files.catalog()
    }

    /// A place for an upload of so many bytes, where that is known; there are not many, but most come free soon.
    pub(super) async fn place_for_upload(
        &self,
        patience: Patience,
        bytes: Option<usize>,
    ) -> Result<OwnedSemaphorePermit, Problem> {
        let is_small = bytes.is_some_and(|bytes| bytes < PIECE_BYTES);
        let places = if is_small { &self.small_uploads } else { &self.uploads };
        let place = patience.within(UPLOAD_PATIENCE, places.clone().acquire_owned()).await;
        place.ok().and_then(Result::ok).ok_or_else(|| busy("uploads"))
    }

    /// Bytes that a file may have.
    pub(super) fn file_max_bytes(&self) -> u64 {
        self.files.limits().file_max_bytes
    }

    /// The file that the segment of an address names, whether or not it can still be had.
    async fn file_at(&self, segment: &str) -> Result<StoredFile, Problem> {
        let name = decoded(segment)?;
        let found = self.files.catalog().find(&name).await.map_err(|error| problem(&error))?;
        found.ok_or_else(|| Problem::not_found(format!("no file {name:?} has been stored")))
    }

    /// The same, as long as it can be had.
    async fn kept_at(&self, segment: &str) -> Result<StoredFile, Problem> {
        let file = self.file_at(segment).await?;
        let gone = |how: String| Problem::new(StatusCode::GONE, "gone", how);
        let key = &file.facts.key;
        match &file.fate {
            Fate::Kept => Ok(file),
            Fate::Deleted { at } => Err(gone(format!("the file {key:?} was deleted at {at}"))),
            Fate::Expired { at, rule } => {
                Err(gone(format!("the file {key:?} expired at {at}, by {rule}")).with("rule", rule))
            }
        }
    }
}

/// A place among those that do the same; taken at once or not at all.
fn place(places: &Arc<Semaphore>, what: &str) -> Result<OwnedSemaphorePermit, Problem> {
    places.clone().try_acquire_owned().map_err(|_| busy(what))
}

fn busy(what: &str) -> Problem {
    Problem::unavailable("busy", format!("too many {what} at once; try again"), RETRY_AFTER)
}

fn problem(error: &FilesError) -> Problem {
    match error {
        FilesError::Retry(_) => Problem::unavailable("files", error.to_string(), RETRY_AFTER),
        FilesError::Full(_) => Problem::new(StatusCode::INSUFFICIENT_STORAGE, "full", error.to_string()),
        FilesError::Broken(_) => Problem::internal(error),
    }
}
