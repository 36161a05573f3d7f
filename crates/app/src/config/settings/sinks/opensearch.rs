//! `type = "opensearch"`: a monthly index in OpenSearch or Elasticsearch.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{BatchSettings, Claim, ColumnsSettings, Side, SinkType, TlsSettings, TypeFacts};
use crate::config::duration;
use crate::config::exposure::warn_if_exposed;
use crate::config::key::Key;
use crate::config::problem::Report;
use crate::secret::Secret;

/// An index of OpenSearch or Elasticsearch, one document an event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OpenSearchSettings {
    /// `http://…` or `https://…`
    pub url: String,
    /// The index's name; `{environment}`, `{stream}`, `{year}`, `{month}` and `{day}` are filled in.
    #[serde(default = "index_default")]
    pub index: String,
    /// Members of the document beside those that every one has.
    #[serde(default, skip_serializing_if = "ColumnsSettings::is_empty")]
    pub columns: ColumnsSettings,
    /// For basic authentication.
    #[serde(default)]
    pub username: Option<String>,
    /// For basic authentication.
    #[serde(default)]
    pub password: Option<Secret>,
    /// An API key, as Elasticsearch gives it (encoded).
    #[serde(default)]
    pub api_key: Option<Secret>,
    /// Whether the index template is installed at start.
    #[serde(default = "yes")]
    pub install_template: bool,
    /// Whether requests are compressed (gzip).
    #[serde(default = "yes")]
    pub compress: bool,
    /// How long a request may take.
    #[serde(default = "request_timeout_default", with = "duration")]
    pub request_timeout: Duration,
    /// Whom to trust, and as whom to show oneself.
    #[serde(default)]
    pub tls: Option<TlsSettings>,
}

fn index_default() -> String {
    "{stream}_{environment}_{year}-{month}".to_owned()
}

fn yes() -> bool {
    true
}

fn request_timeout_default() -> Duration {
    Duration::from_secs(30)
}

/// What a member of the document can be.
const COLUMN_TYPES: [&str; 11] =
    ["keyword", "text", "boolean", "byte", "short", "integer", "long", "float", "double", "date", "ip"];

const INDEX_PARTS: [&str; 5] = ["environment", "stream", "year", "month", "day"];

impl SinkType for OpenSearchSettings {
    fn facts() -> TypeFacts {
        // As long as the original collector waited.
        let batch = BatchSettings { max_age: Duration::from_secs(10), ..BatchSettings::default() };
        TypeFacts { name: "opensearch", side: Side::Store, batch }
    }

    fn check(&self, key: &Key, report: &mut Report<'_>) {
        let host = self.url.strip_prefix("http://").or_else(|| self.url.strip_prefix("https://"));
        if host
            .is_none_or(|host| host.is_empty() || host.starts_with('/') || host.contains(char::is_whitespace))
        {
            let remedy = "Write it as \"http://localhost:9200\" or \"https://…\".";
            report.wrong(&key.child("url"), "is no http:// or https:// address", remedy);
        }
        let has_credentials = self.api_key.is_some() || self.username.is_some();
        let is_encrypted = self.url.starts_with("https://");
        warn_if_exposed(&key.child("url"), &self.url, is_encrypted, has_credentials, report);
        self.check_index(&key.child("index"), report);
        self.check_credentials(key, report);
        self.columns.check(&key.child("columns"), Some(&COLUMN_TYPES), report);
        report.not_zero(&key.child("request_timeout"), self.request_timeout.is_zero());
        if let Some(tls) = &self.tls {
            tls.check(&key.child("tls"), is_encrypted, report);
        }
    }

    /// An index of a server.
    fn claim(&self) -> Option<Claim> {
        Some(Claim {
            places: vec![vec![server(&self.url), self.index.clone()]],
            is_by_stream: true,
            member: "index",
            what: "puts the same streams into the same index as",
            remedy: "Give one of them another `index`, or other `streams`.",
        })
    }
}

impl OpenSearchSettings {
    fn check_credentials(&self, key: &Key, report: &mut Report<'_>) {
        if self.api_key.is_some() && (self.username.is_some() || self.password.is_some()) {
            report.wrong(&key.child("api_key"), "stands beside `username` or `password`", "Keep one way in.");
        }
        if self.password.is_some() && self.username.is_none() {
            report.wrong(&key.child("password"), "stands without `username`", "Add username = \"…\".");
        }
        if self.username.is_some() && self.password.is_none() {
            report.wrong(&key.child("username"), "stands without `password`", "Add password = \"env:NAME\".");
        }
    }

    fn check_index(&self, key: &Key, report: &mut Report<'_>) {
        let wrong_part = self.index.split('{').skip(1).find(|rest| {
            let name = rest.split('}').next().unwrap_or_default();
            !rest.contains('}') || !INDEX_PARTS.contains(&name)
        });
        if let Some(rest) = wrong_part {
            let remedy = "There are {environment}, {stream}, {year}, {month} and {day}.";
            let name = rest.split('}').next().unwrap_or_default();
            report.wrong(key, format!("has a part that cannot be filled in: {{{name}}}"), remedy);
            return;
        }
        let plain: String =
            self.index.split('{').map(|rest| rest.split_once('}').map_or(rest, |(_, text)| text)).collect();
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-' | b'.');
        if self.index.is_empty() || !plain.bytes().all(allowed) || self.index.starts_with(['_', '-', '.']) {
            let remedy = "Use a-z 0-9 _ - . and none of the last three first, as OpenSearch has it.";
            report.wrong(key, "cannot be an index's name", remedy);
        }
    }
}

/// The address without scheme and credentials.
fn server(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.trim_end_matches('/');
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{}/{path}", host.to_ascii_lowercase())
}
