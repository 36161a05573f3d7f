//! How the ClickHouse sink is set.

use std::fmt;
use std::time::Duration;

use reqwest::Url;

use super::kind::Kind;
use super::layout::PRECEDENCE;
use crate::SettingsError;
use crate::columns::{ColumnSettings, Mapping};
use crate::tls::TlsSettings;

/// The settings; shown without their secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct ClickHouseSettings {
    /// Where the HTTP interfaces of the servers are, tried in turn: `http(s)://HOST:PORT`, with a path if need be. They
    /// hold the same table: replicas of it, or several ways to one server.
    pub urls: Vec<String>,
    /// The database; it has to be there.
    pub database: String,
    /// The table; made when missing.
    pub table: String,
    /// Columns beside those that every table has.
    pub columns: Vec<ColumnSettings>,
    /// The user; the server's `default` when absent.
    pub user: Option<String>,
    /// The user's password.
    pub password: Option<String>,
    /// Own authorities and certificates.
    pub tls: TlsSettings,
    /// How long rows are kept after they came in, at least; `None` keeps them all.
    pub ttl: Option<Duration>,
    /// The cluster on which the table is made, `ON CLUSTER`.
    pub cluster: Option<String>,
    /// Whether the table that is made is a replicated one.
    pub is_replicated: bool,
    /// What `param` and `extra` are in the table that is made.
    pub json: JsonType,
    /// How bodies are sent.
    pub compression: Compression,
    /// How long a delivery or a check may take.
    pub request_timeout: Duration,
}

/// What `param` and `extra` are.
///
/// Text keeps what the client sent. ClickHouse's own type is quicker to ask and keeps less: numbers become doubles or
/// 64-bit integers, nulls and empty objects vanish, members that stand twice are refused, and so is what is no object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JsonType {
    /// `Nullable(String)`: every digit as it came.
    #[default]
    Text,
    /// `JSON`.
    Json,
    /// `JSON` where the server has it (25.3 and later), `Nullable(String)` elsewhere.
    Auto,
}

/// How bodies are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// As they are.
    None,
    /// With gzip.
    Gzip,
    /// With zstd.
    #[default]
    Zstd,
}

impl ClickHouseSettings {
    /// The default settings for the server at this address.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            urls: vec![url.into()],
            database: "default".to_owned(),
            table: "events".to_owned(),
            columns: Vec::new(),
            user: None,
            password: None,
            tls: TlsSettings::default(),
            ttl: None,
            cluster: None,
            is_replicated: false,
            json: JsonType::default(),
            compression: Compression::default(),
            request_timeout: Duration::from_secs(30),
        }
    }

    /// Whether they can be used, without asking a server.
    pub fn check(&self) -> Result<(), SettingsError> {
        self.addresses()?;
        for (setting, name) in [("database", &self.database), ("table", &self.table)] {
            if name.is_empty() || name.len() > 200 || name.contains(char::is_control) {
                return Err(SettingsError(format!("{setting} = {name:?}: 1 to 200 bytes are expected")));
            }
        }
        self.mapping().map(drop)
    }

    pub(super) fn mapping(&self) -> Result<Mapping<Kind>, SettingsError> {
        match self.columns.iter().any(|column| column.name.eq_ignore_ascii_case(PRECEDENCE)) {
            true => Err(SettingsError(format!(
                "columns.{PRECEDENCE}: the table has a column of this name; choose another"
            ))),
            false => Mapping::new(&self.columns, Kind::parse),
        }
    }

    /// The servers' addresses; there is at least one.
    pub(super) fn addresses(&self) -> Result<Vec<Url>, SettingsError> {
        if self.urls.is_empty() {
            return Err(SettingsError("url: name at least one server".to_owned()));
        }
        self.urls.iter().map(|url| address(url)).collect()
    }
}

/// An error may not show the address: it may hold a password.
fn address(text: &str) -> Result<Url, SettingsError> {
    let wrong = |what: &dyn fmt::Display| SettingsError(format!("url: {what}; expected http(s)://HOST:PORT"));
    let url = Url::parse(text).map_err(|error| wrong(&error))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong(&"it is no address of a server"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong(&"it may not have a query or fragment"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(SettingsError("url: set `user` and `password` beside it, not in it".to_owned()));
    }
    Ok(url)
}

impl fmt::Debug for ClickHouseSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClickHouseSettings")
            .field(
                "urls",
                &self.addresses().map_or_else(|_| vec!["invalid".to_owned()], |_| self.urls.clone()),
            )
            .field("database", &self.database)
            .field("table", &self.table)
            .field("columns", &self.columns)
            .field("user", &self.user)
            .field("password", &self.password.as_ref().map(|_| "hidden"))
            .field("tls", &self.tls)
            .field("ttl", &self.ttl)
            .field("cluster", &self.cluster)
            .field("is_replicated", &self.is_replicated)
            .field("json", &self.json)
            .field("compression", &self.compression)
            .field("request_timeout", &self.request_timeout)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_shown() {
        let mut settings = ClickHouseSettings::new("http://host:8123");
        settings.password = Some("s3cret".to_owned());
        assert!(!format!("{settings:?}").contains("s3cret"));
        for bad in
            ["http://u:s3cret@host", "ftp://u:s3cret@host", "http://u:s3cret@h:99999", "http://h/?s3cret"]
        {
            settings.urls = vec![bad.to_owned()];
            let error = settings.check().unwrap_err().to_string();
            assert!(!error.contains("s3cret") && !format!("{settings:?}").contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn an_own_column_may_not_be_called_like_one_of_the_table() {
        let mut settings = ClickHouseSettings::new("http://host:8123");
        let column = |name: &str| ColumnSettings { name: name.into(), from: "a".into(), kind: "Int8".into() };
        settings.columns = vec![column("Precedence")];
        assert!(settings.check().is_err());
        settings.columns = vec![column("preceding")];
        assert!(settings.check().is_ok());
    }
}
