//! How the Redis sink is set.

use std::fmt;
use std::time::Duration;

use weir_connect::redis::RedisAddress;

use crate::SettingsError;
use crate::brokers::{Format, Template};
use crate::tls::TlsSettings;

/// The settings; shown without their secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisSettings {
    /// `redis://USER:PASSWORD@HOST:PORT/DATABASE`, as [`RedisAddress`] reads it.
    pub url: String,
    /// The password, where it is not in `url`.
    pub password: Option<String>,
    /// The key of the stream, with places of the event in it.
    pub key: String,
    /// Beyond about so many entries the oldest go.
    pub max_length: Option<u64>,
    /// Entries that are older than this go, at about that time.
    pub max_age: Option<Duration>,
    /// What the field `event` holds.
    pub format: Format,
    /// Own authorities and certificates, and the name to ask for.
    pub tls: TlsSettings,
    /// How long a delivery or a check may take.
    pub request_timeout: Duration,
}

impl RedisSettings {
    /// The default settings for this address.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            password: None,
            key: "events".to_owned(),
            max_length: None,
            max_age: None,
            format: Format::default(),
            tls: TlsSettings::default(),
            request_timeout: Duration::from_secs(30),
        }
    }

    /// Whether they can be used, without asking the server or reading a file.
    pub fn check(&self) -> Result<(), SettingsError> {
        self.address()?;
        self.key().map(drop)
    }

    pub(super) fn address(&self) -> Result<RedisAddress, SettingsError> {
        RedisAddress::parse(&self.url, self.password.as_deref())
    }

    pub(super) fn key(&self) -> Result<Template, SettingsError> {
        let key = Template::parse(&self.key)
            .map_err(|SettingsError(text)| SettingsError(format!("key = {text}")))?;
        match self.key.is_empty() {
            true => Err(SettingsError("key: name the stream's key".to_owned())),
            false => Ok(key),
        }
    }
}

impl fmt::Debug for RedisSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.address().map_or_else(|_| "invalid".to_owned(), |address| address.to_string());
        f.debug_struct("RedisSettings")
            .field("url", &shown)
            .field("key", &self.key)
            .field("max_length", &self.max_length)
            .field("max_age", &self.max_age)
            .field("format", &self.format)
            .field("tls", &self.tls)
            .field("request_timeout", &self.request_timeout)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_of_them_holds_no_password() {
        let settings =
            RedisSettings { password: Some("hunter2".to_owned()), ..RedisSettings::new("redis://weir@h/1") };
        let shown = format!("{settings:?} {:?}", RedisSettings::new("redis://weir:hunter2@h/1"));
        assert!(!shown.contains("hunter2") && shown.contains("h:6379/1"), "{shown}");
    }

    #[test]
    fn a_key_is_needed_and_its_braces_match() {
        for bad in ["", "{", "a}"] {
            let settings = RedisSettings { key: bad.to_owned(), ..RedisSettings::new("redis://h") };
            assert!(settings.check().unwrap_err().to_string().contains("key"), "{bad}");
        }
    }
}
