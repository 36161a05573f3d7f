//! What becomes of kept files.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use weir_core::files::Totals;
use weir_files::{HalfThere, Retained, SweepReport};

use super::registered;

/// Counts what ends files, and what a sweep finds; clones count together.
#[derive(Clone)]
pub struct FileMetrics {
    kept: Gauge,
    kept_bytes: Gauge,
    uploads: Gauge,
    uploads_bytes: Gauge,
    expired: Counter,
    freed_bytes: Counter,
    orphans: Counter,
    missing: Gauge,
}

impl FileMetrics {
    pub(super) fn register(to: &mut Registry) -> Self {
        Self {
            kept: registered(to, "weir_files", "Files that are kept", Gauge::default()),
            kept_bytes: registered(to, "weir_files_bytes", "Bytes of files that are kept", Gauge::default()),
            uploads: registered(to, "weir_uploads_open", "Uploads that are not whole yet", Gauge::default()),
            uploads_bytes: registered(
                to,
                "weir_uploads_open_bytes",
                "Bytes on the disk of uploads that are not whole yet",
                Gauge::default(),
            ),
            expired: registered(to, "weir_files_expired", "Files that retention ended", Counter::default()),
            freed_bytes: registered(
                to,
                "weir_files_freed_bytes",
                "Bytes that retention freed on the disk",
                Counter::default(),
            ),
            orphans: registered(
                to,
                "weir_files_orphans_removed",
                "Contents that no row named and a sweep removed",
                Counter::default(),
            ),
            missing: registered(
                to,
                "weir_files_missing",
                "Contents of kept files that somebody else has removed",
                Gauge::default(),
            ),
        }
    }

    /// How many are kept now.
    pub fn kept(&self, totals: Totals) {
        self.kept.set(totals.files.cast_signed());
        self.kept_bytes.set(totals.bytes.cast_signed());
    }

    /// What of uploads lies on the disk now.
    pub fn half_there(&self, half_there: HalfThere) {
        self.uploads.set(half_there.uploads.cast_signed());
        self.uploads_bytes.set(half_there.bytes.cast_signed());
    }

    /// Retention has run.
    pub fn retained(&self, retained: Retained) {
        self.expired.inc_by(retained.files);
        self.freed_bytes.inc_by(retained.freed_bytes);
    }

    /// A sweep has run.
    pub fn swept(&self, report: &SweepReport) {
        self.orphans.inc_by(report.orphans);
        self.missing.set(report.missing.len() as i64);
    }
}
