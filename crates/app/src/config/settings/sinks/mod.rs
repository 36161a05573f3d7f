//! `[sinks.NAME]`: where events go.
//!
//! A new type is one file beside the others and one line in each `match` here.

mod batch;
mod beginning;
mod blackhole;
mod clickhouse;
mod columns;
mod filter;
mod objects;
mod opensearch;
mod place;
mod postgres;
mod selection;
mod sqlite;
mod tls;
mod wanted;

use serde::{Deserialize, Serialize, Serializer};

pub use batch::{BatchSettings, RetrySettings};
pub use beginning::Beginning;
pub use blackhole::BlackholeSettings;
pub use clickhouse::{ClickHouseCompression, ClickHouseJson, ClickHouseSettings};
pub use columns::{ColumnFrom, ColumnsSettings};
pub use filter::FilterSettings;
pub use objects::{ObjectCompression, ObjectTime, ObjectsSettings};
pub use opensearch::OpenSearchSettings;
pub use postgres::PostgresSettings;
pub use selection::StreamSelection;
pub use sqlite::SqliteSettings;
pub use tls::TlsSettings;

use super::Settings;
use crate::config::key::Key;
use crate::config::nearest::suggestion;
use crate::config::problem::Report;

/// What `type` can be.
pub const SINK_TYPES: [&str; 6] = ["blackhole", "clickhouse", "objects", "opensearch", "postgres", "sqlite"];

/// One sink; its member `type` says which.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SinkSettings {
    /// Counts and discards.
    Blackhole(BlackholeSettings),
    /// A table in ClickHouse.
    Clickhouse(ClickHouseSettings),
    /// Objects in a bucket or a folder.
    Objects(ObjectsSettings),
    /// A monthly index in OpenSearch or Elasticsearch.
    Opensearch(OpenSearchSettings),
    /// A table of Postgres, partitioned by month.
    Postgres(PostgresSettings),
    /// A table in a SQLite file.
    Sqlite(SqliteSettings),
}

/// How long a batch may wait for more events, by the sink's type. The original collector waited ten seconds for
/// OpenSearch; where a small write costs little there is no reason to.
pub fn batch_max_age_default(kind: &str) -> Option<&'static str> {
    match kind {
        "opensearch" => Some("10s"),
        "objects" => Some("8s"),
        "clickhouse" => Some("5s"),
        "sqlite" | "postgres" | "blackhole" => Some("1s"),
        _ => None,
    }
}

/// How many events a batch may have, by the sink's type: where a transaction or a request costs much beside its events,
/// more; where bytes and age are to decide, so many that they do.
pub fn batch_max_events_default(kind: &str) -> Option<i64> {
    match kind {
        "objects" => Some(100_000),
        "clickhouse" => Some(50_000),
        "postgres" => Some(5_000),
        _ => None,
    }
}

/// How many bytes a batch may have, and how many wait in memory, by the sink's type: ClickHouse is made for large
/// inserts, and merges for long what came in small ones.
pub fn batch_bytes_default(kind: &str) -> &'static [(&'static str, &'static str)] {
    match kind {
        "clickhouse" => &[("max_bytes", "32MiB"), ("buffer_max_bytes", "64MiB")],
        _ => &[],
    }
}

/// What every type of sink has.
#[derive(Clone, Copy, Debug)]
pub struct CommonSettings<'a> {
    /// Which streams it takes.
    pub streams: &'a StreamSelection,
    /// Which of their events.
    pub filter: &'a FilterSettings,
    /// Which it begins with.
    pub from: Beginning,
    /// How its events are batched.
    pub batch: &'a BatchSettings,
    /// How it is tried again.
    pub retry: &'a RetrySettings,
}

/// Takes them from a sink of whatever type.
macro_rules! common {
    ($sink:expr) => {
        CommonSettings {
            streams: &$sink.streams,
            filter: &$sink.filter,
            from: $sink.from,
            batch: &$sink.batch,
            retry: &$sink.retry,
        }
    };
}

impl SinkSettings {
    /// What it has whatever its type.
    pub fn common(&self) -> CommonSettings<'_> {
        match self {
            Self::Blackhole(sink) => common!(sink),
            Self::Clickhouse(sink) => common!(sink),
            Self::Objects(sink) => common!(sink),
            Self::Opensearch(sink) => common!(sink),
            Self::Postgres(sink) => common!(sink),
            Self::Sqlite(sink) => common!(sink),
        }
    }

    /// What is told where both would write into one place.
    fn clash(&self, other: &Self) -> Option<Clash> {
        let (is_clash, clash) = match (self, other) {
            (Self::Clickhouse(one), Self::Clickhouse(other)) => (one.clashes_with(other), clickhouse::CLASH),
            (Self::Objects(one), Self::Objects(other)) => (one.clashes_with(other), objects::CLASH),
            (Self::Opensearch(one), Self::Opensearch(other)) => (one.clashes_with(other), opensearch::CLASH),
            (Self::Postgres(one), Self::Postgres(other)) => (one.clashes_with(other), postgres::CLASH),
            (Self::Sqlite(one), Self::Sqlite(other)) => (one.clashes_with(other), sqlite::CLASH),
            _ => return None,
        };
        is_clash.then_some(clash)
    }

    fn check(&self, key: &Key, report: &mut Report<'_>) {
        match self {
            Self::Blackhole(_) => {}
            Self::Clickhouse(sink) => sink.check(key, report),
            Self::Objects(sink) => sink.check(key, report),
            Self::Opensearch(sink) => sink.check(key, report),
            Self::Postgres(sink) => sink.check(key, report),
            Self::Sqlite(sink) => sink.check(key, report),
        }
    }
}

/// How it is told that two sinks would get in each other's way.
#[derive(Clone, Copy)]
struct Clash {
    /// The member that would have to differ.
    member: &'static str,
    /// What the second one does, up to the first one's name.
    what: &'static str,
    remedy: &'static str,
}

impl Serialize for SinkSettings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(tag = "type", rename_all = "lowercase")]
        enum Tagged<'a> {
            Blackhole(&'a BlackholeSettings),
            Clickhouse(&'a ClickHouseSettings),
            Objects(&'a ObjectsSettings),
            Opensearch(&'a OpenSearchSettings),
            Postgres(&'a PostgresSettings),
            Sqlite(&'a SqliteSettings),
        }
        match self {
            Self::Blackhole(sink) => Tagged::Blackhole(sink),
            Self::Clickhouse(sink) => Tagged::Clickhouse(sink),
            Self::Objects(sink) => Tagged::Objects(sink),
            Self::Opensearch(sink) => Tagged::Opensearch(sink),
            Self::Postgres(sink) => Tagged::Postgres(sink),
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
        let common = sink.common();
        check_streams(&key, common.streams, &streams, report);
        common.filter.check(&key.child("where"), report);
        common.batch.check(&key.child("batch"), report);
        common.retry.check(&key.child("retry"), report);
        sink.check(&key, report);
    }
    check_distinct(settings, report);
    sqlite::check_catalog(settings, report);
}

/// No two sinks may overwrite each other, or take each other's events for repeats.
fn check_distinct(settings: &Settings, report: &mut Report<'_>) {
    for (place, (name, sink)) in settings.sinks.iter().enumerate() {
        let mut earlier = settings.sinks.iter().take(place);
        let clash = earlier.find_map(|(other, earlier)| Some((other, sink.clash(earlier)?)));
        if let Some((other, Clash { member, what, remedy })) = clash {
            let key = Key::of(["sinks", name, member]);
            report.wrong(&key, format!("{what} `sinks.{other}`"), remedy);
        }
    }
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
