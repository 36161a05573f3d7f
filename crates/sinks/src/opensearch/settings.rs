//! How the OpenSearch sink is set.

use std::fmt;
use std::time::Duration;

use reqwest::Url;

use super::column::Kind;
use crate::SettingsError;
use crate::columns::{ColumnSettings, Mapping};
use crate::tls::TlsSettings;

/// Members of every document that no table has as a column.
const OWN_MEMBERS: [&str; 2] = ["event_info", "extra_unindexed"];

/// The settings; shown without their secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct OpenSearchSettings {
    /// Where the store is, with a path before its own if need be; `http` where no scheme is given. A user and password
    /// in it are taken as Basic credentials.
    pub url: String,
    /// The index of an event: `{stream}`, `{environment}`, and of `received_at` in UTC `{year}` (four digits),
    /// `{month}` and `{day}` (two) are filled in. Put into lower case, as the store demands.
    pub index: String,
    /// What `{environment}` stands for.
    pub environment: String,
    /// Members of the document beside those that every one has.
    pub columns: Vec<ColumnSettings>,
    /// Who we are, if not told in `url`.
    pub credentials: Option<Credentials>,
    /// Own authorities and certificates.
    pub tls: TlsSettings,
    /// Whether an index template is installed before the first document.
    pub template_install: bool,
    /// How long a delivery or a check may take.
    pub request_timeout: Duration,
    /// Whether bodies are sent gzipped.
    pub compress: bool,
}

/// Who we are to the store.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// A user and the password.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// An API key, as the store encodes it for the header.
    ApiKey(String),
}

impl OpenSearchSettings {
    /// The default settings for this address.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            // Of the stream `events`, this is `events_{environment}_{year}-{month}`.
            index: "{stream}_{environment}_{year}-{month}".to_owned(),
            environment: "development".to_owned(),
            columns: Vec::new(),
            credentials: None,
            tls: TlsSettings::default(),
            template_install: true,
            request_timeout: Duration::from_secs(30),
            compress: false,
        }
    }

    pub(super) fn mapping(&self) -> Result<Mapping<Kind>, SettingsError> {
        let own = self
            .columns
            .iter()
            .find(|column| OWN_MEMBERS.contains(&column.name.to_ascii_lowercase().as_str()));
        match own {
            Some(column) => Err(SettingsError(format!(
                "columns.{}: every document has a member of this name; choose another",
                column.name
            ))),
            None => Mapping::new(&self.columns, Kind::parse),
        }
    }

    /// The address without credentials, and the credentials, wherever they were.
    pub(super) fn address(&self) -> Result<(Url, Option<Credentials>), SettingsError> {
        let scheme = if self.url.contains("://") { "" } else { "http://" };
        // The error may not show the address: it may hold a password.
        let mut url = Url::parse(&format!("{scheme}{}", self.url))
            .map_err(|error| SettingsError(format!("url: {error}; expected http(s)://HOST:PORT")))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(SettingsError("url: expected http(s)://HOST:PORT".to_owned()));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(SettingsError("url: it may not have a query or fragment".to_owned()));
        }
        let decoded =
            |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
        let (user, password) = (decoded(url.username()), decoded(url.password().unwrap_or_default()));
        let in_url =
            (!user.is_empty() || !password.is_empty()).then_some(Credentials::Basic { user, password });
        if in_url.is_some() && self.credentials.is_some() {
            return Err(SettingsError("url: credentials are set beside it too; keep one of them".to_owned()));
        }
        // Neither can fail for an address with a host.
        let _ = (url.set_username(""), url.set_password(None));
        Ok((url, in_url.or_else(|| self.credentials.clone())))
    }
}

impl fmt::Debug for OpenSearchSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.address();
        f.debug_struct("OpenSearchSettings")
            .field("url", &address.as_ref().map_or("invalid", |(url, _)| url.as_str()))
            .field("index", &self.index)
            .field("environment", &self.environment)
            .field("columns", &self.columns)
            .field("credentials", &address.as_ref().ok().and_then(|(_, credentials)| credentials.as_ref()))
            .field("tls", &self.tls)
            .field("template_install", &self.template_install)
            .field("request_timeout", &self.request_timeout)
            .field("compress", &self.compress)
            .finish()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Basic { .. } => "Basic(hidden)",
            Self::ApiKey(_) => "ApiKey(hidden)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_in_the_address_are_taken_out_of_it() {
        let settings = OpenSearchSettings::new("https://us%40er:p%3Aw%2F@search.example:9200/prefix/");
        let (url, credentials) = settings.address().unwrap();
        assert_eq!(url.as_str(), "https://search.example:9200/prefix/");
        let expected = Credentials::Basic { user: "us@er".to_owned(), password: "p:w/".to_owned() };
        assert!(credentials == Some(expected));
    }

    #[test]
    fn an_address_without_a_scheme_is_taken_as_http() {
        let (url, _) = OpenSearchSettings::new("localhost:9200").address().unwrap();
        assert_eq!(url.as_str(), "http://localhost:9200/");
    }

    #[test]
    fn no_secret_is_shown() {
        let mut settings = OpenSearchSettings::new("http://user:s3cret@host");
        assert!(!format!("{settings:?}").contains("s3cret"));
        settings.credentials = Some(Credentials::ApiKey("s3cret".to_owned()));
        assert!(!format!("{settings:?}").contains("s3cret"));
        for bad in [
            "http://user:s3cret@",
            "ftp://u:s3cret@host",
            "http://u:s3cret@host:99999",
            "http://u:s3cret@h/?q",
        ] {
            settings.url = bad.to_owned();
            let error = settings.address().unwrap_err().to_string();
            assert!(!error.contains("s3cret") && !format!("{settings:?}").contains("s3cret"), "{error}");
        }
    }
}
