//! What kept files need from time to time: retention, a sweep, word to their traces, and the end of what is half there.
//!
//! **Constraint.** Whatever fails is tried again the next time; none of it keeps anybody waiting.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use weir_core::files::{FilesError, Owner, RetentionRule};
use weir_core::intake::Intake;
use weir_files::{Files, ResumableUploads, Retained, SweepReport};

use crate::api::tell_of_files;
use crate::metrics::FileMetrics;

const SWEEP_INTERVAL: Duration = Duration::from_secs(3_600);
/// Contents that are missing and named in the log, at most.
const NAMED_MAX: usize = 10;

/// Looks after files until the program ends.
pub struct FilesUpkeep {
    /// The files.
    pub files: Arc<Files>,
    /// Those that are not whole yet.
    pub uploads: Arc<ResumableUploads>,
    /// How traces are told.
    pub intake: Arc<Intake>,
    /// What is to go.
    pub rules: Vec<RetentionRule>,
    /// How often.
    pub interval: Duration,
    /// What is counted.
    pub metrics: FileMetrics,
    /// When to end.
    pub stop: CancellationToken,
}

impl FilesUpkeep {
    /// At once, and then at every interval.
    pub async fn run(self) {
        let mut swept: Option<Instant> = None;
        loop {
            let is_due = swept.is_none_or(|at| at.elapsed() >= SWEEP_INTERVAL);
            match self.round(is_due).await {
                Ok(()) if is_due => swept = Some(Instant::now()),
                Ok(()) => {}
                Err(error) => tracing::warn!(%error, "files are looked after the next time"),
            }
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(self.interval) => {}
            }
        }
    }

    async fn round(&self, with_sweep: bool) -> Result<(), FilesError> {
        let expired = self.uploads.sweep().await?;
        if expired > 0 {
            tracing::info!(expired, "uploads that were not ended in time are removed");
        }
        if with_sweep {
            self.swept(&self.files.sweep().await?);
        }
        let retained = self.files.retain(&self.rules).await?;
        self.metrics.retained(retained);
        let Retained { files, freed_bytes } = retained;
        if files > 0 {
            tracing::info!(files, freed_bytes, "files have expired");
        }
        while tell_of_files(self.files.catalog(), &self.intake).await? > 0 {}
        self.metrics.kept(self.files.catalog().totals(&Owner::All).await?);
        self.metrics.half_there(self.uploads.half_there().await?);
        Ok(())
    }

    fn swept(&self, report: &SweepReport) {
        self.metrics.swept(report);
        let SweepReport { finished, cleared, orphans, orphan_bytes, missing } = report;
        if finished + cleared + orphans > 0 {
            tracing::info!(finished, cleared, orphans, orphan_bytes, "what no file has any more is removed");
        }
        if !missing.is_empty() {
            let first: Vec<String> =
                missing.iter().take(NAMED_MAX).map(|content| content.hash.to_string()).collect();
            let count = missing.len();
            let what = "contents of kept files are not there: somebody else has removed them; restore them from a backup";
            tracing::error!(count, ?first, "{what}");
        }
    }
}
