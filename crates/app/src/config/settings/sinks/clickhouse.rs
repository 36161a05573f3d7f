//! `type = "clickhouse"`: a table in ClickHouse.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{BatchSettings, Claim, ColumnsSettings, Side, SinkType, TlsSettings, TypeFacts};
use crate::config::duration;
use crate::config::exposure::warn_if_exposed;
use crate::config::key::Key;
use crate::config::problem::Report;
use crate::secret::Secret;

/// A table in ClickHouse, one row an event.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct ClickHouseSettings {
    /// The HTTP interface of the server: `http://…` or `https://…`
    pub url: Option<String>,
    /// Those of several servers, tried in turn.
    pub urls: Vec<String>,
    /// The database.
    pub database: String,
    /// The table.
    pub table: String,
    /// Columns beside those that every table has.
    #[serde(skip_serializing_if = "ColumnsSettings::is_empty")]
    pub columns: ColumnsSettings,
    /// The user.
    pub user: Option<String>,
    /// The user's password.
    pub password: Option<Secret>,
    /// How long rows are kept; for ever when absent.
    #[serde(with = "duration::optional")]
    pub ttl: Option<Duration>,
    /// The cluster on which the table is made.
    pub cluster: Option<String>,
    /// Whether the table that is made is a replicated one; with `cluster` when absent.
    pub replicated: Option<bool>,
    /// What `param` and `extra` are.
    pub json: ClickHouseJson,
    /// How requests are sent.
    pub compression: ClickHouseCompression,
    /// How long a request may take.
    #[serde(with = "duration")]
    pub request_timeout: Duration,
    /// Whom to trust, and as whom to show oneself.
    pub tls: Option<TlsSettings>,
}

/// What `param` and `extra` are in the table that is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClickHouseJson {
    /// Text: every digit as it came.
    #[default]
    String,
    /// ClickHouse's own type.
    Json,
    /// ClickHouse's own type where the server has it, text elsewhere.
    Auto,
}

/// How requests are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClickHouseCompression {
    /// As they are.
    None,
    /// With gzip.
    Gzip,
    /// With zstd.
    #[default]
    Zstd,
}

impl Default for ClickHouseSettings {
    fn default() -> Self {
        Self {
            url: None,
            urls: Vec::new(),
            database: "default".to_owned(),
            table: "events".to_owned(),
            columns: ColumnsSettings::default(),
            user: None,
            password: None,
            ttl: None,
            cluster: None,
            replicated: None,
            json: ClickHouseJson::default(),
            compression: ClickHouseCompression::default(),
            request_timeout: Duration::from_secs(30),
            tls: None,
        }
    }
}

impl SinkType for ClickHouseSettings {
    fn facts() -> TypeFacts {
        // It is made for large inserts, and merges for long what came in small ones.
        let batch = BatchSettings {
            max_events: 50_000,
            buffer_max_events: 500_000,
            max_bytes: 32 << 20,
            max_age: Duration::from_secs(5),
            // As many batches under way as may be: of few, all end at one time, and the server waits for the next.
            buffer_max_bytes: 160 << 20,
            ..BatchSettings::default()
        };
        TypeFacts { name: "clickhouse", side: Side::Store, batch }
    }

    fn check(&self, key: &Key, report: &mut Report<'_>) {
        self.check_addresses(key, report);
        for (name, text) in [("database", &self.database), ("table", &self.table)] {
            if text.is_empty() || text.contains(char::is_control) {
                report.wrong(&key.child(name), "is no name", "Name one, or leave it out.");
            }
        }
        // Types have arguments, and cannot be listed here.
        self.columns.check(&key.child("columns"), None, report);
        if self.password.is_some() && self.user.is_none() {
            report.wrong(&key.child("password"), "stands without `user`", "Add user = \"…\".");
        }
        if self.ttl.is_some_and(|ttl| ttl < Duration::from_secs(1)) {
            report.wrong(
                &key.child("ttl"),
                "is shorter than a second",
                "Leave it out to keep rows for ever.",
            );
        }
        report.not_zero(&key.child("request_timeout"), self.request_timeout.is_zero());
        if let Some(tls) = &self.tls {
            let is_encrypted = self.addresses().any(|url| url.starts_with("https://"));
            tls.check(&key.child("tls"), is_encrypted, report);
        }
    }

    /// A table, on whichever of its servers.
    fn claim(&self) -> Option<Claim> {
        let place = |url: &String| vec![server(url), self.database.clone(), self.table.clone()];
        Some(Claim {
            places: self.addresses().map(place).collect(),
            is_by_stream: true,
            member: "table",
            what: "puts the same streams into the same table as",
            remedy: "Give one of them another `table`, or other `streams`.",
        })
    }
}

impl ClickHouseSettings {
    /// Every server's address.
    pub fn addresses(&self) -> impl Iterator<Item = &String> {
        self.url.iter().chain(&self.urls)
    }

    fn check_addresses(&self, key: &Key, report: &mut Report<'_>) {
        let remedy = "Write it as \"http://localhost:8123\" or \"https://…:8443\".";
        if self.addresses().next().is_none() {
            report.wrong(&key.child("url"), "is missing", remedy);
        }
        let rest = |url: &String| {
            let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
            rest.map(str::to_owned).unwrap_or_default()
        };
        let name = if self.url.is_some() { "url" } else { "urls" };
        for url in self.addresses() {
            let is_encrypted = url.starts_with("https://");
            warn_if_exposed(&key.child(name), url, is_encrypted, self.password.is_some(), report);
        }
        for host in self.addresses().map(rest) {
            if host.is_empty() || host.starts_with('/') || host.contains(char::is_whitespace) {
                report.wrong(&key.child(name), "is no http:// or https:// address", remedy);
            } else if host.contains('@') {
                let remedy = "Set `user` and `password` beside it.";
                report.wrong(&key.child(name), "has a user or a password in it", remedy);
            }
        }
    }
}

/// The address without its scheme.
fn server(url: &str) -> String {
    url.split_once("://").map_or(url, |(_, rest)| rest).trim_end_matches('/').to_ascii_lowercase()
}
