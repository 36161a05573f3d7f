//! `[files]`: files that are kept.

mod retention;

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Settings;
use super::bucket::BucketKeys;
use super::sinks::TlsSettings;
use crate::config::key::Key;
use crate::config::problem::Report;
use crate::config::{duration, size};
use crate::secret::Secret;
pub use retention::RetentionSettings;

const FOLDER: &str = "file://";
const BUCKET: &str = "s3://";

/// Whether files are kept, where, and how large they may be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct FilesSettings {
    /// Whether they are.
    pub enabled: bool,
    /// `file:///ABSOLUTE/FOLDER` or `s3://BUCKET/PREFIX`; absent: `files` within `data_dir`.
    pub url: Option<String>,
    /// Where the S3 server is, if it is not Amazon's.
    pub endpoint: Option<String>,
    /// The bucket's region.
    pub region: Option<String>,
    /// The id of the key.
    pub access_key: Option<Secret>,
    /// The key.
    pub secret_key: Option<Secret>,
    /// What temporary keys come with.
    pub session_token: Option<Secret>,
    /// Whether the bucket stands in the path, or before the host's name.
    pub path_style: Option<bool>,
    /// How long one request to the bucket may take.
    #[serde(with = "duration")]
    pub request_timeout: Duration,
    /// Whom to trust of the bucket's servers, and as whom to show oneself.
    pub tls: Option<TlsSettings>,
    /// Bytes of one file.
    #[serde(with = "size")]
    pub file_max_bytes: u64,
    /// Bytes that stay free on the disk: before them, files are refused.
    #[serde(with = "size")]
    pub free_min_bytes: u64,
    /// How long an upload over many requests may take.
    #[serde(with = "duration")]
    pub upload_expires: Duration,
    /// How long they are kept.
    pub retention: RetentionSettings,
}

impl Default for FilesSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            url: None,
            endpoint: None,
            region: None,
            access_key: None,
            secret_key: None,
            session_token: None,
            path_style: None,
            request_timeout: Duration::from_secs(30),
            tls: None,
            file_max_bytes: 16 << 30,
            free_min_bytes: 256 << 20,
            upload_expires: Duration::from_secs(86_400),
            retention: RetentionSettings::default(),
        }
    }
}

impl Settings {
    /// Where files lie, or grow until they are in their bucket, where this process keeps any.
    pub fn files_dir(&self) -> Option<PathBuf> {
        let folder = match self.files.url.as_deref().and_then(|url| url.strip_prefix(FOLDER)) {
            Some(folder) => PathBuf::from(folder),
            None => self.data_dir.join("files"),
        };
        (self.files.enabled && self.takes_events()).then_some(folder)
    }
}

pub(super) fn check(settings: &Settings, report: &mut Report<'_>) {
    report.not_zero(&Key::of(["files", "file_max_bytes"]), settings.files.file_max_bytes == 0);
    report.not_zero(&Key::of(["files", "upload_expires"]), settings.files.upload_expires.is_zero());
    settings.files.retention.check(report);
    settings.files.check_place(&Key::of(["files"]), report);
}

impl FilesSettings {
    /// The bucket that they go to, if they go to one.
    pub fn bucket(&self) -> Option<&str> {
        self.url.as_deref().filter(|url| url.starts_with(BUCKET))
    }

    fn check_place(&self, key: &Key, report: &mut Report<'_>) {
        let is_named = |url: &str| !url[BUCKET.len()..].starts_with('/') && url.len() > BUCKET.len();
        if self.bucket().is_some_and(is_named) {
            report.not_zero(&key.child("request_timeout"), self.request_timeout.is_zero());
            return self.keys().check(key, report);
        }
        self.check_folder_alone(key, report);
        let is_folder = |url: &String| url.strip_prefix(FOLDER).is_some_and(|path| path.starts_with('/'));
        if self.url.as_ref().is_some_and(|url| !is_folder(url)) {
            let remedy = "Write \"file:///FOLDER\", from the root, or \"s3://BUCKET/PREFIX\", or leave it out: files then \
                          lie in `data_dir`.";
            report.wrong(&key.child("url"), "is no folder and no bucket", remedy);
        }
    }

    fn check_folder_alone(&self, key: &Key, report: &mut Report<'_>) {
        for (name, is_set) in [
            ("endpoint", self.endpoint.is_some()),
            ("region", self.region.is_some()),
            ("access_key", self.access_key.is_some()),
            ("secret_key", self.secret_key.is_some()),
            ("session_token", self.session_token.is_some()),
            ("tls", self.tls.is_some()),
        ] {
            if is_set {
                let remedy = "Leave it out, or write `url` as \"s3://BUCKET/PREFIX\".";
                report.wrong(&key.child(name), "stands beside a folder", remedy);
            }
        }
    }

    fn keys(&self) -> BucketKeys<'_> {
        BucketKeys {
            endpoint: self.endpoint.as_deref(),
            access_key: self.access_key.as_ref(),
            secret_key: self.secret_key.as_ref(),
            session_token: self.session_token.as_ref(),
            tls: self.tls.as_ref(),
        }
    }
}
