//! `type = "sqlite"`: a table in a file.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    BatchSettings, Beginning, Clash, ColumnsSettings, FilterSettings, RetrySettings, SinkSettings,
    StreamSelection,
};
use crate::config::duration;
use crate::config::key::Key;
use crate::config::problem::Report;
use crate::config::settings::{CatalogLocation, Settings};

/// What a column can be.
const COLUMN_TYPES: [&str; 4] = ["INTEGER", "REAL", "TEXT", "JSON"];

/// A table in a SQLite file, one row an event.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct SqliteSettings {
    /// The streams it takes.
    pub streams: StreamSelection,
    /// Which of their events.
    #[serde(rename = "where", skip_serializing_if = "FilterSettings::is_empty")]
    pub filter: FilterSettings,
    /// Which it begins with.
    pub from: Beginning,
    /// The file; `events.db` in the data directory when absent.
    pub path: PathBuf,
    /// The table.
    pub table: String,
    /// Columns beside those that every table has.
    #[serde(skip_serializing_if = "ColumnsSettings::is_empty")]
    pub columns: ColumnsSettings,
    /// How long rows are kept; for ever when absent.
    #[serde(with = "duration::optional")]
    pub retention: Option<Duration>,
    /// How events are batched.
    pub batch: BatchSettings,
    /// How it is tried again.
    pub retry: RetrySettings,
}

impl Default for SqliteSettings {
    fn default() -> Self {
        Self {
            streams: StreamSelection::All,
            filter: FilterSettings::default(),
            from: Beginning::default(),
            path: "data/events.db".into(),
            table: "events".to_owned(),
            columns: ColumnsSettings::default(),
            retention: None,
            batch: BatchSettings::default(),
            retry: RetrySettings::default(),
        }
    }
}

impl SqliteSettings {
    /// Whether both would fill the same table.
    pub(super) fn clashes_with(&self, other: &Self) -> bool {
        same_file(&other.path, &self.path) && other.table.eq_ignore_ascii_case(&self.table)
    }

    pub(super) fn check(&self, key: &Key, report: &mut Report<'_>) {
        if self.path.as_os_str().is_empty() {
            report.wrong(&key.child("path"), "is empty", "Name a file, or leave it out for events.db.");
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let begins_well = self.table.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let reserved = self.table.to_ascii_lowercase().starts_with("sqlite_");
        if !begins_well || !self.table.bytes().all(plain) || self.table.len() > 64 || reserved {
            let remedy = "Use 1 to 64 of a-z A-Z 0-9 _, no digit first, and not sqlite_….";
            report.wrong(&key.child("table"), format!("cannot be a table's name: {:?}", self.table), remedy);
        }
        self.columns.check(&key.child("columns"), Some(&COLUMN_TYPES), report);
        if let Some(retention) = self.retention {
            report.not_zero(&key.child("retention"), retention.is_zero());
        }
    }
}

/// What two such sinks must not have in common.
pub(super) const CLASH: Clash = Clash {
    member: "path",
    what: "has the same file and table as",
    remedy: "Give one of them another `path` or `table`.",
};

/// The catalog's file is not to be filled by others.
pub(super) fn check_catalog(settings: &Settings, report: &mut Report<'_>) {
    let CatalogLocation::Sqlite(catalog) =
        settings.catalog.location().unwrap_or_else(|_| CatalogLocation::Sqlite(PathBuf::new()));
    for (name, sink) in &settings.sinks {
        let SinkSettings::Sqlite(sink) = sink else { continue };
        if same_file(&catalog, &sink.path) {
            let remedy = "Give the sink a file of its own: the catalog's is not to be filled by others.";
            report.wrong(&Key::of(["sinks", name, "path"]), "is the catalog's file", remedy);
        }
    }
}

/// As far as names tell: links are not followed, as the file may not be there yet.
fn same_file(left: &Path, right: &Path) -> bool {
    let whole = |path: &Path| {
        let mut whole = PathBuf::new();
        for part in std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).components() {
            match part {
                Component::ParentDir => drop(whole.pop()),
                other => whole.push(other),
            }
        }
        whole
    };
    whole(left) == whole(right)
}
