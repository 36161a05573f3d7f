//! How a Redis input is set.

use std::fmt;
use std::time::Duration;

use weir_connect::SettingsError;
use weir_connect::redis::RedisAddress;
use weir_connect::tls::TlsSettings;

/// The settings; shown without their secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisInputSettings {
    /// The input's name.
    pub name: String,
    /// `redis://USER:PASSWORD@HOST:PORT/DATABASE`, as [`RedisAddress`] reads it.
    pub url: String,
    /// The password, where it is not in `url`.
    pub password: Option<String>,
    /// The streams' keys.
    pub keys: Vec<String>,
    /// The consumer group.
    pub group: String,
    /// This member of it; the same after a restart.
    pub consumer: String,
    /// Whether a group that is made begins with what is there.
    pub begins_with_oldest: bool,
    /// What another member has not acknowledged for so long is taken over.
    pub claim_after: Duration,
    /// Whether entries are deleted that every group has acknowledged.
    pub trims: bool,
    /// The most entries that are asked for at once.
    pub count_max: usize,
    /// About so many bytes of them.
    pub bytes_max: usize,
    /// How long an answer may take.
    pub request_timeout: Duration,
    /// Own authorities and certificates, and the name to ask for.
    pub tls: TlsSettings,
}

impl RedisInputSettings {
    /// The default settings for this address.
    pub fn new(name: &str, url: impl Into<String>, consumer: &str) -> Self {
        Self {
            name: name.to_owned(),
            url: url.into(),
            password: None,
            keys: vec!["events".to_owned()],
            group: "weir".to_owned(),
            consumer: consumer.to_owned(),
            begins_with_oldest: true,
            claim_after: Duration::from_secs(60),
            trims: false,
            count_max: 1_000,
            bytes_max: 4 << 20,
            request_timeout: Duration::from_secs(30),
            tls: TlsSettings::default(),
        }
    }

    /// The address.
    pub fn address(&self) -> Result<RedisAddress, SettingsError> {
        RedisAddress::parse(&self.url, self.password.as_deref())
    }
}

impl fmt::Debug for RedisInputSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.address().map_or_else(|_| "invalid".to_owned(), |address| address.to_string());
        f.debug_struct("RedisInputSettings")
            .field("name", &self.name)
            .field("url", &shown)
            .field("keys", &self.keys)
            .field("group", &self.group)
            .field("consumer", &self.consumer)
            .finish_non_exhaustive()
    }
}
