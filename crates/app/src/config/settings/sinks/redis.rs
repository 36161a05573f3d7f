//! `type = "redis"`: entries of streams in Redis.
//!
//! **Constraint.** The address may hold a password, so it is a secret as a whole: it is shown nowhere, and may be
//! `env:NAME` or `file:/path`.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use weir_connect::SettingsError;
use weir_connect::redis::RedisAddress;

use super::broker::{BrokerAddress, BrokerFormat, broker_batch, check_address};
use super::{Claim, Side, SinkType, TlsSettings, TypeFacts};
use crate::config::duration;
use crate::config::key::Key;
use crate::config::problem::Report;
use crate::secret::Secret;

/// Streams in Redis, one entry an event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RedisSettings {
    /// `redis://USER:PASSWORD@HOST:PORT/DATABASE`
    pub url: Secret,
    /// The password, where it is not in `url`.
    #[serde(default)]
    pub password: Option<Secret>,
    /// The stream's key, with `{stream}`, `{event}` or any member in it.
    #[serde(default = "key_default")]
    pub key: String,
    /// Beyond about so many entries the oldest go.
    #[serde(default)]
    pub max_length: Option<u64>,
    /// Entries that are about so old go.
    #[serde(default, with = "duration::optional")]
    pub max_age: Option<Duration>,
    /// What the field `event` holds.
    #[serde(default)]
    pub format: BrokerFormat,
    /// How long a delivery may take.
    #[serde(default = "request_timeout_default", with = "duration")]
    pub request_timeout: Duration,
    /// Whom to trust, and as whom to show oneself.
    #[serde(default)]
    pub tls: Option<TlsSettings>,
}

fn key_default() -> String {
    "events".to_owned()
}

fn request_timeout_default() -> Duration {
    Duration::from_secs(30)
}

impl SinkType for RedisSettings {
    fn facts() -> TypeFacts {
        TypeFacts { name: "redis", side: Side::Broker, batch: broker_batch() }
    }

    fn check(&self, key: &Key, report: &mut Report<'_>) {
        let address = self.address().map(|address| address.is_encrypted());
        check_address(
            key,
            address,
            BrokerAddress { url: &self.url, password: self.password.as_ref(), tls: self.tls.as_ref() },
            report,
        );
        if self.key.is_empty() {
            report.wrong(&key.child("key"), "is empty", "Name the stream's key, or leave it out.");
        }
        report.not_zero(&key.child("max_length"), self.max_length == Some(0));
        report.not_zero(&key.child("max_age"), self.max_age.is_some_and(|age| age.is_zero()));
        report.not_zero(&key.child("request_timeout"), self.request_timeout.is_zero());
    }

    /// A key, on whichever of its servers. Events that two sinks put there are there twice.
    fn claim(&self) -> Option<Claim> {
        let places = self.address().ok()?.places();
        Some(Claim {
            places: places.into_iter().map(|place| vec![place, self.key.clone()]).collect(),
            is_by_stream: true,
            member: "key",
            what: "puts the same streams under the same key as",
            remedy: "Give one of them another `key`, or other `streams`.",
        })
    }
}

impl RedisSettings {
    fn address(&self) -> Result<RedisAddress, SettingsError> {
        RedisAddress::parse(self.url.expose(), self.password.as_ref().map(Secret::expose))
    }
}
