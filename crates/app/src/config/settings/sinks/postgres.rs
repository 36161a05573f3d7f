//! `type = "postgres"`: a table in a Postgres database, partitioned by month.
//!
//! **Constraint.** The address may hold a password, so it is a secret as a whole: it is shown nowhere, and may be
//! `env:NAME` or `file:/path`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{BatchSettings, Claim, ColumnsSettings, Side, SinkType, TlsSettings, TypeFacts};
use crate::config::duration;
use crate::config::exposure::warn_if_exposed;
use crate::config::key::Key;
use crate::config::problem::Report;
use crate::secret::Secret;

/// A table of Postgres, one row an event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PostgresSettings {
    /// `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=…`
    pub url: Secret,
    /// The password, where it is not in `url`.
    #[serde(default)]
    pub password: Option<Secret>,
    /// The table, or `SCHEMA.TABLE`.
    #[serde(default = "table_default")]
    pub table: String,
    /// Columns beside those that every table has.
    #[serde(default, skip_serializing_if = "ColumnsSettings::is_empty")]
    pub columns: ColumnsSettings,
    /// How long rows are kept, by whole months; for ever when absent.
    #[serde(default, with = "duration::optional")]
    pub retention: Option<Duration>,
    /// Connections open at once.
    #[serde(default = "pool_max_connections_default")]
    pub pool_max_connections: usize,
    /// How long the server may take for a statement.
    #[serde(default = "statement_timeout_default", with = "duration")]
    pub statement_timeout: Duration,
    /// Whom to trust, and as whom to show oneself.
    #[serde(default)]
    pub tls: Option<TlsSettings>,
}

fn table_default() -> String {
    "events".to_owned()
}

fn pool_max_connections_default() -> usize {
    5
}

fn statement_timeout_default() -> Duration {
    Duration::from_secs(30)
}

impl SinkType for PostgresSettings {
    fn facts() -> TypeFacts {
        // A transaction costs much beside its events.
        TypeFacts {
            name: "postgres",
            side: Side::Store,
            batch: BatchSettings { max_events: 5_000, ..BatchSettings::default() },
        }
    }

    fn check(&self, key: &Key, report: &mut Report<'_>) {
        let url = self.url.expose();
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            let remedy = "Write it as \"postgres://USER@HOST:5432/DATABASE\", or as env:NAME of a variable that holds it.";
            report.wrong(&key.child("url"), "is no postgres:// address", remedy);
        }
        let is_encrypted = insists_on_tls(url, self.tls.is_some());
        warn_if_exposed(&key.child("url"), url, is_encrypted, self.password.is_some(), report);
        if !is_table(&self.table) {
            let remedy = "Use TABLE or SCHEMA.TABLE, each 1 to 50 of a-z A-Z 0-9 _, no digit first.";
            report.wrong(&key.child("table"), format!("cannot be a table's name: {:?}", self.table), remedy);
        }
        // Types with lengths cannot be listed; the sink knows them all.
        self.columns.check(&key.child("columns"), None, report);
        if let Some(retention) = self.retention {
            report.not_zero(&key.child("retention"), retention.is_zero());
        }
        report.not_zero(&key.child("pool_max_connections"), self.pool_max_connections == 0);
        report.not_zero(&key.child("statement_timeout"), self.statement_timeout.is_zero());
        if let Some(tls) = &self.tls {
            tls.check(&key.child("tls"), true, report);
        }
    }

    /// A table, whatever its streams: each sink would take the other's events for repeats.
    fn claim(&self) -> Option<Claim> {
        Some(Claim {
            places: vec![self.place()],
            is_by_stream: false,
            member: "table",
            what: "is the same table of the same database as in",
            remedy: "Give one of them another `table`.",
        })
    }
}

impl PostgresSettings {
    /// Where the table is, without credentials and parameters.
    fn place(&self) -> Vec<String> {
        let url = self.url.expose();
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
        let table = self.table.strip_prefix("public.").unwrap_or(&self.table);
        vec![place.to_ascii_lowercase().replace(":5432/", "/"), table.to_owned()]
    }
}

/// Whether an address insists on TLS, by the rules of libpq; who says a word on it without a mode does.
pub(in crate::config::settings) fn insists_on_tls(url: &str, has_tls: bool) -> bool {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let parameters = || query.split('&').filter_map(|pair| pair.split_once('='));
    match parameters().find(|(name, _)| *name == "sslmode") {
        Some((_, mode)) => matches!(mode, "require" | "verify-ca" | "verify-full"),
        None => {
            let is_word = |name: &str| matches!(name, "sslrootcert" | "sslcert" | "sslkey");
            has_tls || parameters().any(|(name, _)| is_word(name))
        }
    }
}

fn is_table(text: &str) -> bool {
    let plain = |name: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(allowed)
            && name.len() <= 50
    };
    let (schema, name) = text.split_once('.').map_or((None, text), |(schema, name)| (Some(schema), name));
    schema.is_none_or(plain) && plain(name) && !name.to_ascii_lowercase().starts_with("weir_")
}
