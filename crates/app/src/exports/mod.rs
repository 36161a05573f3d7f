//! Exports: what Weir knows, as files that can be taken away.
//!
//! **Constraints.** An export is made part by part, each streamed to the disk; it is never whole in memory. A part is seen
//! only when it is whole and durable, and never changes after that; so an export goes on after a crash where its last
//! part ended. Parts are made while somebody asks for them. What exports take up together is bounded; what nobody has asked
//! for in a while is removed.

mod coding;
mod contents;
mod error;
mod files;
mod folder;
mod id;
mod line_part;
mod packed;
mod part_file;
mod room;
mod telemetry;
#[cfg(test)]
mod tests;
mod turn;

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use weir_core::lineage::LineageStore;
use weir_files::Files;

pub use coding::Coding;
pub use contents::{Contents, Order};
pub use error::ExportError;
pub use files::{FileLine, FilesChoice};
pub use folder::PartFacts;
pub use id::ExportId;
pub use telemetry::TelemetryChoice;

use contents::Sources;
use files::StoredFiles;
use folder::{Folder, Listing};
use room::Room;
use telemetry::Telemetry;
use turn::Turns;

/// What one part may be limited to, at least.
pub const PART_MIN_BYTES: u64 = 1 << 10;
/// The same where it may hold files, each of which comes with what is told of it.
pub const FILES_PART_MIN_BYTES: u64 = 64 << 10;
/// The same, at most.
pub const PART_MAX_BYTES: u64 = 1 << 30;
/// What it is limited to where nobody says.
pub const PART_DEFAULT_BYTES: u64 = 64 << 20;

/// Exports that may lie there at once.
const EXPORTS_MAX: usize = 1_000;
/// Parts that are told at once.
const PAGE_MAX: usize = 100;
/// So long an answer waits for parts to be made.
const PATIENCE: Duration = Duration::from_secs(5);
const SWEEP_INTERVAL: Duration = Duration::from_secs(300);

/// Where exports lie, and how much they may take up.
#[derive(Clone, Debug)]
pub struct ExportLimits {
    /// The folder.
    pub folder: PathBuf,
    /// Bytes of all of them.
    pub max_bytes: u64,
    /// Bytes that stay free on the disk.
    pub free_min_bytes: u64,
    /// How long one is kept that nobody asks for.
    pub keep: Duration,
}

/// Some parts of an export.
#[derive(Debug)]
pub struct Page {
    /// Those that are made.
    pub parts: Vec<PartFacts>,
    /// After which part to go on; nothing where the export is whole.
    pub next: Option<u32>,
}

/// Makes exports, and gives them out.
pub struct Exports {
    folder: Folder,
    turns: Turns,
    keep: Duration,
    stop: CancellationToken,
}

impl Exports {
    /// Over lineage and files, where they are kept. What former runs left half made is removed.
    pub fn open(
        limits: &ExportLimits,
        lineage: Option<Arc<dyn LineageStore>>,
        files: Option<Arc<Files>>,
        stop: CancellationToken,
    ) -> Result<Self, ExportError> {
        let folder = Folder::open(&limits.folder)?;
        folder.sweep_unfinished()?;
        folder.sweep_idle(limits.keep)?;
        let room = Room { max_bytes: limits.max_bytes, free_min_bytes: limits.free_min_bytes };
        let sources = Sources {
            telemetry: lineage.map(|lineage| Telemetry::new(lineage, stop.clone())),
            files: files.map(|files| StoredFiles::new(files, stop.clone())),
        };
        let turns = Turns::new(folder.clone(), room, sources, stop.clone());
        Ok(Self { folder, turns, keep: limits.keep, stop })
    }

    /// Begins one; its parts are made when they are asked for.
    pub async fn begin(&self, order: Order) -> Result<ExportId, ExportError> {
        let folder = self.folder.clone();
        blocking(move || {
            room::make_place(&folder, EXPORTS_MAX)?;
            let id = ExportId::random();
            folder.begin(&id, &order)?;
            Ok(id)
        })
        .await
    }

    /// The parts after this one, as far as they are made within a few seconds.
    pub async fn page(&self, id: &ExportId, after: u32) -> Result<Page, ExportError> {
        let listing = self.listing(id, after).await?;
        if !listing.parts.is_empty() || listing.is_whole {
            return Ok(listing.page(after));
        }
        let made = self.turns.join(id, after, PATIENCE).await;
        let listing = self.listing(id, after).await?;
        match made {
            Err(error) if listing.parts.is_empty() && !listing.is_whole => Err(error),
            _ => Ok(listing.page(after)),
        }
    }

    /// A part's bytes.
    pub async fn part(&self, id: &ExportId, name: &str) -> Result<(PartFacts, File), ExportError> {
        let (folder, id, name) = (self.folder.clone(), id.clone(), name.to_owned());
        blocking(move || {
            folder.touch(&id)?;
            folder.part(&id, &name)
        })
        .await
    }

    /// Removes what nobody asks for any more, until the program ends.
    pub async fn sweep(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(SWEEP_INTERVAL) => {}
            }
            let (folder, keep) = (self.folder.clone(), self.keep);
            if let Err(error) = blocking(move || folder.sweep_idle(keep)).await {
                tracing::warn!(%error, "exports are swept the next time");
            }
        }
    }

    async fn listing(&self, id: &ExportId, after: u32) -> Result<Listing, ExportError> {
        let (folder, id) = (self.folder.clone(), id.clone());
        blocking(move || {
            folder.touch(&id)?;
            folder.list(&id, after, PAGE_MAX)
        })
        .await
    }
}

impl Listing {
    fn page(self, after: u32) -> Page {
        let last = self.parts.last().map_or(after, |part| part.number);
        Page { next: (!self.is_whole).then_some(last), parts: self.parts }
    }
}

/// Work on a thread that may wait for a disk.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ExportError> + Send + 'static,
) -> Result<T, ExportError> {
    let working = tokio::task::spawn_blocking(work).await;
    working.unwrap_or_else(|error| Err(ExportError::Retry(format!("a thread was lost: {error}"))))
}
