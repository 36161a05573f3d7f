//! `type = "rabbitmq"`: a queue of RabbitMQ.
//!
//! **Constraint.** The address may hold a password, so it is a secret as a whole: it is shown nowhere, and may be
//! `env:NAME` or `file:/path`.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use weir_connect::SettingsError;
use weir_connect::rabbitmq::RabbitAddress;

use super::{InputFormat, InputType, check_stream};
use crate::config::key::Key;
use crate::config::problem::Report;
use crate::config::settings::sinks::{BrokerAddress, check_address};
use crate::config::{Roles, TlsSettings, duration, size};
use crate::secret::Secret;

/// A queue of RabbitMQ.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RabbitmqInputSettings {
    /// `amqp://USER:PASSWORD@HOST:PORT/VHOST`
    pub url: Secret,
    /// The password, where it is not in `url`.
    #[serde(default)]
    pub password: Option<Secret>,
    /// The queue.
    pub queue: String,
    /// What the queue is made as where it is missing; it has to be there when absent.
    #[serde(default)]
    pub declare: Option<QueueKind>,
    /// So many messages are given that are not acknowledged.
    #[serde(default = "prefetch_default")]
    pub prefetch: u16,
    /// Whether what is no event goes to the queue's dead-letter exchange instead of Weir's dead letters.
    #[serde(default)]
    pub reject: bool,
    /// The stream that events are of; what their headers say when absent.
    #[serde(default)]
    pub stream: Option<String>,
    /// Which processes read it.
    pub roles: Roles,
    /// What a message is.
    #[serde(default)]
    pub format: InputFormat,
    /// The longest message that is looked into.
    #[serde(default = "message_max_default", with = "size")]
    pub message_max_bytes: u64,
    /// How long an answer may take.
    #[serde(default = "request_timeout_default", with = "duration")]
    pub request_timeout: Duration,
    /// Whom to trust, and as whom to show oneself.
    #[serde(default)]
    pub tls: Option<TlsSettings>,
}

/// What a queue is that is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QueueKind {
    /// On one node.
    Classic,
    /// On several.
    Quorum,
}

fn prefetch_default() -> u16 {
    1_000
}

fn message_max_default() -> u64 {
    4 << 20
}

fn request_timeout_default() -> Duration {
    Duration::from_secs(30)
}

impl InputType for RabbitmqInputSettings {
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
        if self.queue.is_empty() || self.queue.len() > 255 {
            report.wrong(&key.child("queue"), "is no name of a queue", "Use 1 to 255 bytes.");
        }
        report.not_zero(&key.child("prefetch"), self.prefetch == 0);
        report.not_zero(&key.child("message_max_bytes"), self.message_max_bytes == 0);
        report.not_zero(&key.child("request_timeout"), self.request_timeout.is_zero());
    }

    /// As a sink reaches the queue that names it alone.
    fn places(&self, streams: &[&str]) -> Vec<Vec<String>> {
        let Ok(address) = self.address() else { return Vec::new() };
        let by_stream = streams.contains(&self.queue.as_str()).then_some("{stream}");
        let place = |place: String| {
            let keys = std::iter::once(self.queue.as_str()).chain(by_stream);
            keys.map(move |key| vec![place.clone(), String::new(), key.to_owned()]).collect::<Vec<_>>()
        };
        address.places().into_iter().flat_map(place).collect()
    }
}

impl RabbitmqInputSettings {
    fn address(&self) -> Result<RabbitAddress, SettingsError> {
        RabbitAddress::parse(self.url.expose(), self.password.as_ref().map(Secret::expose))
    }
}
