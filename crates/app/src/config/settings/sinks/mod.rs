//! `[sinks.NAME]`: where events go.
//!
//! A new type is one file beside the others and one line in each `match` here.

mod batch;
mod blackhole;
mod opensearch;
mod selection;
mod sqlite;
mod tls;

use serde::{Deserialize, Serialize, Serializer};

pub use batch::{BatchSettings, RetrySettings};
pub use blackhole::BlackholeSettings;
pub use opensearch::OpenSearchSettings;
pub use selection::StreamSelection;
pub use sqlite::SqliteSettings;
pub use tls::TlsSettings;

use super::Settings;
use crate::config::key::Key;
use crate::config::nearest::suggestion;
use crate::config::problem::Report;

/// What `type` can be.
pub const SINK_TYPES: [&str; 3] = ["blackhole", "opensearch", "sqlite"];

/// One sink; its member `type` says which.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SinkSettings {
    /// Counts and discards.
    Blackhole(BlackholeSettings),
    /// A monthly index in OpenSearch or Elasticsearch.
    Opensearch(OpenSearchSettings),
    /// A table in a SQLite file.
    Sqlite(SqliteSettings),
}

/// How long a batch may wait for more events, by the sink's type. The original collector waited ten seconds for
/// OpenSearch; where a small write costs little there is no reason to.
pub fn batch_max_age_default(kind: &str) -> Option<&'static str> {
    match kind {
        "opensearch" => Some("10s"),
        "sqlite" | "blackhole" => Some("1s"),
        _ => None,
    }
}

impl SinkSettings {
    /// Which streams it takes.
    pub fn streams(&self) -> &StreamSelection {
        match self {
            Self::Blackhole(sink) => &sink.streams,
            Self::Opensearch(sink) => &sink.streams,
            Self::Sqlite(sink) => &sink.streams,
        }
    }

    /// How its events are batched.
    pub fn batch(&self) -> &BatchSettings {
        match self {
            Self::Blackhole(sink) => &sink.batch,
            Self::Opensearch(sink) => &sink.batch,
            Self::Sqlite(sink) => &sink.batch,
        }
    }

    /// How it is tried again.
    pub fn retry(&self) -> &RetrySettings {
        match self {
            Self::Blackhole(sink) => &sink.retry,
            Self::Opensearch(sink) => &sink.retry,
            Self::Sqlite(sink) => &sink.retry,
        }
    }

    fn check(&self, key: &Key, report: &mut Report<'_>) {
        match self {
            Self::Blackhole(_) => {}
            Self::Opensearch(sink) => sink.check(key, report),
            Self::Sqlite(sink) => sink.check(key, report),
        }
    }
}

impl Serialize for SinkSettings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(tag = "type", rename_all = "lowercase")]
        enum Tagged<'a> {
            Blackhole(&'a BlackholeSettings),
            Opensearch(&'a OpenSearchSettings),
            Sqlite(&'a SqliteSettings),
        }
        match self {
            Self::Blackhole(sink) => Tagged::Blackhole(sink),
            Self::Opensearch(sink) => Tagged::Opensearch(sink),
            Self::Sqlite(sink) => Tagged::Sqlite(sink),
        }
        .serialize(serializer)
    }
}

pub(super) fn check(settings: &Settings, report: &mut Report<'_>) {
    let own = settings.streams.keys().map(String::as_str).filter(|name| *name != "events");
    let streams: Vec<&str> = std::iter::once("events").chain(own).collect();
    for (name, sink) in &settings.sinks {
        let key = Key::of(["sinks", name]);
        if !super::is_word(name) {
            report.wrong(&key, "has no name that a sink can have", "Use 1 to 64 of a-z A-Z 0-9 _ - .");
        }
        check_streams(&key, sink.streams(), &streams, report);
        sink.batch().check(&key.child("batch"), report);
        sink.retry().check(&key.child("retry"), report);
        sink.check(&key, report);
    }
    sqlite::check_distinct(settings, report);
}

fn check_streams(key: &Key, selection: &StreamSelection, known: &[&str], report: &mut Report<'_>) {
    let key = key.child("streams");
    let StreamSelection::Named(names) = selection else { return };
    if names.is_empty() {
        report.wrong(&key, "names no stream", "Leave it out to take every stream, or name some.");
    }
    for name in names.iter().filter(|name| !known.contains(&name.as_str())) {
        report.wrong(&key, format!("names a stream that is not there: {name:?}"), suggestion(name, known));
    }
}
