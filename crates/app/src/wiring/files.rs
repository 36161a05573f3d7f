//! From `[files]` to where files are kept.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use tokio_util::sync::CancellationToken;
use weir_catalog::SqliteFiles;
use weir_connect::s3::BucketAccess;
use weir_core::files::ContentStore;
use weir_core::intake::Intake;
use weir_core::row_id::RowIds;
use weir_core::world::{Clock, Random};
use weir_files::{Bucket, BucketSettings, FileLimits, Files, Folder, ResumableUploads, Staging};

use super::objects::credentials;
use super::sinks::tls_settings;
use crate::config::{FilesSettings, Settings};
use crate::files_upkeep::FilesUpkeep;
use crate::metrics::Metrics;

/// What is not whole yet lies beside what is, on the same disk.
const STAGING: &str = "staging";
const UPLOADS: &str = "uploads";
/// Of what is half put into a bucket.
const NOTES: &str = "notes";

/// Up to here it is one commit, not a file's syncs on top of it, that makes a content durable.
const INLINE_MAX_BYTES: usize = 32 << 10;

/// The files, and their rows, which are to be closed.
pub(super) struct OpenFiles {
    pub files: Arc<Files>,
    pub uploads: Arc<ResumableUploads>,
    pub rows: Arc<SqliteFiles>,
}

/// Opens the files of this process; `None` where it keeps none.
pub(super) fn open(
    settings: &Settings,
    row_ids: Arc<RowIds>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
) -> anyhow::Result<Option<OpenFiles>> {
    let Some(folder) = settings.files_dir() else { return Ok(None) };
    let path = settings.catalog.files_path(&settings.data_dir);
    let rows = SqliteFiles::open(&path, row_ids);
    let rows =
        Arc::new(rows.with_context(|| format!("the list of files {} cannot be opened", path.display()))?);
    let contents = contents(&settings.files, &folder)?;
    let staging = Staging::open(&folder.join(STAGING), settings.files.free_min_bytes, random.clone())?;
    // Who names a bucket has a reason to have all contents there.
    let inline_max_bytes = if settings.files.bucket().is_some() { 0 } else { INLINE_MAX_BYTES };
    let limits = FileLimits { file_max_bytes: settings.files.file_max_bytes, inline_max_bytes };
    let uploads = ResumableUploads::open(
        &folder.join(UPLOADS),
        staging.clone(),
        clock.clone(),
        random.clone(),
        settings.files.upload_expires,
    )?;
    let files = Arc::new(Files::new(rows.clone(), contents, staging, clock, random, limits));
    Ok(Some(OpenFiles { files, uploads: Arc::new(uploads), rows }))
}

/// A bucket, where one is named; else the folder.
fn contents(settings: &FilesSettings, folder: &Path) -> anyhow::Result<Arc<dyn ContentStore>> {
    let Some(url) = settings.bucket() else { return Ok(Arc::new(Folder::open(folder)?)) };
    let access = BucketAccess {
        endpoint: settings.endpoint.clone(),
        region: settings.region.clone(),
        credentials: credentials(&settings.access_key, &settings.secret_key, &settings.session_token),
        path_style: settings.path_style,
        tls: settings.tls.as_ref().map(tls_settings).unwrap_or_default(),
    };
    let bucket = BucketSettings {
        url: url.to_owned(),
        access,
        request_timeout: settings.request_timeout,
        notes: folder.join(NOTES),
    };
    Ok(Arc::new(Bucket::open(&bucket).context("files")?))
}

/// What looks after them.
pub(super) fn upkeep(
    open: &OpenFiles,
    settings: &Settings,
    intake: Arc<Intake>,
    metrics: &Metrics,
    stop: CancellationToken,
) -> FilesUpkeep {
    let (rules, interval) = (settings.files.retention.rules(), settings.files.retention.interval);
    let (files, uploads) = (open.files.clone(), open.uploads.clone());
    FilesUpkeep { files, uploads, intake, rules, interval, metrics: metrics.files(), stop }
}
