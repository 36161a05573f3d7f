//! `type = "sqlite"`: a table in a file.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{BatchSettings, Claim, ColumnsSettings, Side, SinkType, TypeFacts};
use crate::config::duration;
use crate::config::key::Key;
use crate::config::problem::Report;
use crate::config::settings::{Settings, SinkSettings};

/// What a column can be.
const COLUMN_TYPES: [&str; 4] = ["INTEGER", "REAL", "TEXT", "JSON"];

/// A table in a SQLite file, one row an event.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct SqliteSettings {
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
}

impl Default for SqliteSettings {
    fn default() -> Self {
        Self {
            path: "data/events.db".into(),
            table: "events".to_owned(),
            columns: ColumnsSettings::default(),
            retention: None,
        }
    }
}

impl SinkType for SqliteSettings {
    fn facts() -> TypeFacts {
        TypeFacts { name: "sqlite", side: Side::Store, batch: BatchSettings::default() }
    }

    fn check(&self, key: &Key, report: &mut Report<'_>) {
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

    /// A table of a file.
    fn claim(&self) -> Option<Claim> {
        let file = whole(&self.path).to_string_lossy().into_owned();
        Some(Claim {
            places: vec![vec![file, self.table.to_ascii_lowercase()]],
            is_by_stream: false,
            member: "path",
            what: "has the same file and table as",
            remedy: "Give one of them another `path` or `table`.",
        })
    }
}

/// The catalog's file, and lineage's, are not to be filled by others.
pub(super) fn check_catalog(settings: &Settings, report: &mut Report<'_>) {
    let catalog = settings.catalog.accounts_path(&settings.data_dir);
    let taken = [("the catalog", Some(catalog)), ("lineage", settings.catalog.lineage_path())];
    for (name, sink) in &settings.sinks {
        let SinkSettings::Sqlite(sink) = sink else { continue };
        let is_this = |(_, path): &&(&str, Option<PathBuf>)| {
            path.as_ref().is_some_and(|path| whole(path) == whole(&sink.path))
        };
        if let Some((owner, _)) = taken.iter().find(is_this) {
            let remedy =
                format!("Give the sink a file of its own: that of {owner} is not to be filled by others.");
            report.wrong(&Key::of(["sinks", name, "path"]), format!("is the file of {owner}"), remedy);
        }
    }
}

/// The file's one name, as far as names tell: links are not followed, as it may not be there yet.
fn whole(path: &Path) -> PathBuf {
    let mut whole = PathBuf::new();
    for part in std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).components() {
        match part {
            Component::ParentDir => drop(whole.pop()),
            other => whole.push(other),
        }
    }
    whole
}
