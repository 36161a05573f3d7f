//! From `[exports]` to where exports are made.

use std::sync::Arc;

use anyhow::Context;
use tokio_util::sync::CancellationToken;
use weir_core::lineage::LineageStore;
use weir_files::Files;

use crate::config::Settings;
use crate::exports::{ExportLimits, Exports};

/// Opens them, and has them swept until the program ends; `None` where there is nothing to export.
pub(super) fn open(
    settings: &Settings,
    lineage: Option<Arc<dyn LineageStore>>,
    files: Option<Arc<Files>>,
    stop: CancellationToken,
) -> anyhow::Result<Option<Arc<Exports>>> {
    if !settings.takes_events() || (lineage.is_none() && files.is_none()) {
        return Ok(None);
    }
    let folder = settings.exports_dir();
    let at = folder.display().to_string();
    let limits = ExportLimits {
        folder,
        max_bytes: settings.exports.max_bytes,
        free_min_bytes: settings.exports.free_min_bytes,
        keep: settings.exports.keep,
    };
    let opened = Exports::open(&limits, lineage, files, stop);
    let exports = Arc::new(opened.with_context(|| format!("exports in {at} cannot be opened"))?);
    tokio::spawn(exports.clone().sweep());
    Ok(Some(exports))
}
