//! How the Postgres sink is set.

use std::fmt;
use std::time::Duration;

use weir_connect::postgres::PostgresAddress;

use super::kind::Kind;
use super::table::Table;
use crate::SettingsError;
use crate::columns::{ColumnSettings, Mapping};
use crate::tls::TlsSettings;

/// The settings; shown without their secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresSettings {
    /// `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=…`, as libpq reads it.
    pub url: String,
    /// The password, where it is not in `url`.
    pub password: Option<String>,
    /// The table, `NAME` or `SCHEMA.NAME`; made when missing.
    pub table: String,
    /// Columns beside those that every table has.
    pub columns: Vec<ColumnSettings>,
    /// Partitions whose rows were all received longer ago than this are dropped; `None` keeps them all.
    pub retention: Option<Duration>,
    /// Connections open at once.
    pub pool_max_connections: usize,
    /// How long the server may take for one statement.
    pub statement_timeout: Duration,
    /// Own authorities and certificates, and the name to ask for.
    pub tls: TlsSettings,
}

impl PostgresSettings {
    /// The default settings for this address.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            password: None,
            table: "events".to_owned(),
            columns: Vec::new(),
            retention: None,
            pool_max_connections: 5,
            statement_timeout: Duration::from_secs(30),
            tls: TlsSettings::default(),
        }
    }

    /// Whether they can be used, without asking the server or reading a file.
    pub fn check(&self) -> Result<(), SettingsError> {
        self.address()?;
        self.table()?;
        self.mapping()?;
        match self.pool_max_connections {
            0 => Err(SettingsError("pool_max_connections: at least one is needed".to_owned())),
            _ => Ok(()),
        }
    }

    pub(super) fn address(&self) -> Result<PostgresAddress, SettingsError> {
        PostgresAddress::parse(&self.url, self.password.as_deref(), &self.tls)
    }

    pub(super) fn table(&self) -> Result<Table, SettingsError> {
        Table::parse(&self.table)
    }

    pub(super) fn mapping(&self) -> Result<Mapping<Kind>, SettingsError> {
        Mapping::new(&self.columns, Kind::parse)
    }
}

impl fmt::Debug for PostgresSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.address().map_or_else(|_| "invalid".to_owned(), |address| address.to_string());
        f.debug_struct("PostgresSettings")
            .field("url", &shown)
            .field("table", &self.table)
            .field("columns", &self.columns)
            .field("retention", &self.retention)
            .field("pool_max_connections", &self.pool_max_connections)
            .field("statement_timeout", &self.statement_timeout)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_of_them_holds_no_password() {
        let settings = PostgresSettings {
            password: Some("hunter2".to_owned()),
            ..PostgresSettings::new("postgres://weir@db/analytics")
        };
        let shown =
            format!("{settings:?} {:?}", PostgresSettings::new("postgres://weir:hunter2@db/analytics"));
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("db:5432/analytics"), "{shown}");
    }
}
