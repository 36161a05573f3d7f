//! `type = "redis"`: streams of Redis, as a member of a consumer group.
//!
//! **Constraint.** The address may hold a password, so it is a secret as a whole: it is shown nowhere, and may be
//! `env:NAME` or `file:/path`.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use weir_connect::SettingsError;
use weir_connect::redis::RedisAddress;

use super::{InputBeginning, InputFormat, InputType, check_stream};
use crate::config::key::Key;
use crate::config::problem::Report;
use crate::config::settings::sinks::{BrokerAddress, check_address};
use crate::config::{Roles, TlsSettings, duration, size};
use crate::secret::Secret;

/// Streams of Redis.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RedisInputSettings {
    /// `redis://USER:PASSWORD@HOST:PORT/DATABASE`
    pub url: Secret,
    /// The password, where it is not in `url`.
    #[serde(default)]
    pub password: Option<Secret>,
    /// The streams' keys.
    #[serde(default = "keys_default")]
    pub keys: Vec<String>,
    /// The consumer group, whose members share the entries.
    #[serde(default = "group_default")]
    pub group: String,
    /// The stream that events are of; what they themselves say when absent.
    #[serde(default)]
    pub stream: Option<String>,
    /// Which processes read it.
    pub roles: Roles,
    /// What the field of an entry that has but one holds.
    #[serde(default)]
    pub format: InputFormat,
    /// Where a group that is made begins.
    #[serde(default)]
    pub from: InputBeginning,
    /// What another member has not acknowledged for so long is taken over.
    #[serde(default = "claim_after_default", with = "duration")]
    pub claim_after: Duration,
    /// Whether entries are deleted that every group has acknowledged.
    #[serde(default)]
    pub trim: bool,
    /// The longest entry that is looked into.
    #[serde(default = "message_max_default", with = "size")]
    pub message_max_bytes: u64,
    /// How long an answer may take.
    #[serde(default = "request_timeout_default", with = "duration")]
    pub request_timeout: Duration,
    /// Whom to trust, and as whom to show oneself.
    #[serde(default)]
    pub tls: Option<TlsSettings>,
}

fn keys_default() -> Vec<String> {
    vec!["events".to_owned()]
}

fn group_default() -> String {
    "weir".to_owned()
}

fn claim_after_default() -> Duration {
    Duration::from_secs(60)
}

fn message_max_default() -> u64 {
    4 << 20
}

fn request_timeout_default() -> Duration {
    Duration::from_secs(30)
}

impl InputType for RedisInputSettings {
    fn roles(&self) -> &Roles {
        &self.roles
    }

    fn uses_log(&self) -> bool {
        true
    }

    fn check(&self, key: &Key, streams: &[&str], report: &mut Report<'_>) {
        check_stream(key, self.stream.as_deref(), streams, report);
        let address =
            BrokerAddress { url: &self.url, password: self.password.as_ref(), tls: self.tls.as_ref() };
        check_address(key, self.address().map(|address| address.is_encrypted()), address, report);
        if self.keys.is_empty() || self.keys.iter().any(String::is_empty) {
            report.wrong(&key.child("keys"), "names no stream", "Name one or more: keys = [\"events\"].");
        }
        if self.group.is_empty() {
            report.wrong(&key.child("group"), "is empty", "Write one, or leave it out.");
        }
        report.not_zero(&key.child("claim_after"), self.claim_after.is_zero());
        report.not_zero(&key.child("message_max_bytes"), self.message_max_bytes == 0);
        report.not_zero(&key.child("request_timeout"), self.request_timeout.is_zero());
    }

    /// By whichever of its servers. A sink may have a key for each stream.
    fn places(&self, streams: &[&str]) -> Vec<Vec<String>> {
        let Ok(address) = self.address() else { return Vec::new() };
        let by_stream = self.keys.iter().any(|key| streams.contains(&key.as_str()));
        let keys: Vec<_> =
            self.keys.iter().cloned().chain(by_stream.then(|| "{stream}".to_owned())).collect();
        let of_server =
            |place: String| keys.iter().map(move |key| vec![place.clone(), key.clone()]).collect::<Vec<_>>();
        address.places().into_iter().flat_map(of_server).collect()
    }
}

impl RedisInputSettings {
    fn address(&self) -> Result<RedisAddress, SettingsError> {
        RedisAddress::parse(self.url.expose(), self.password.as_ref().map(Secret::expose))
    }
}
