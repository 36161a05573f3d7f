//! `type = "rabbitmq"`: messages to RabbitMQ.
//!
//! **Constraint.** The address may hold a password, so it is a secret as a whole: it is shown nowhere, and may be
//! `env:NAME` or `file:/path`.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use weir_connect::SettingsError;
use weir_connect::rabbitmq::RabbitAddress;

use super::broker::{BrokerAddress, BrokerFormat, broker_batch, check_address};
use super::{Claim, Side, SinkType, TlsSettings, TypeFacts};
use crate::config::duration;
use crate::config::key::Key;
use crate::config::problem::Report;
use crate::secret::Secret;

/// An exchange of RabbitMQ, one message an event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RabbitmqSettings {
    /// `amqp://USER:PASSWORD@HOST:PORT/VHOST`
    pub url: Secret,
    /// The password, where it is not in `url`.
    #[serde(default)]
    pub password: Option<Secret>,
    /// The exchange; the one that leads to each queue by its name when empty.
    #[serde(default)]
    pub exchange: String,
    /// The routing key, with `{stream}`, `{event}` or any member in it.
    pub routing_key: String,
    /// Of which kind the exchange is made where it is missing; it has to be there when absent.
    #[serde(default)]
    pub declare: Option<String>,
    /// What a message holds.
    #[serde(default)]
    pub format: BrokerFormat,
    /// How long a delivery may take.
    #[serde(default = "request_timeout_default", with = "duration")]
    pub request_timeout: Duration,
    /// Whom to trust, and as whom to show oneself.
    #[serde(default)]
    pub tls: Option<TlsSettings>,
}

fn request_timeout_default() -> Duration {
    Duration::from_secs(30)
}

impl SinkType for RabbitmqSettings {
    fn facts() -> TypeFacts {
        TypeFacts { name: "rabbitmq", side: Side::Broker, batch: broker_batch() }
    }

    fn check(&self, key: &Key, report: &mut Report<'_>) {
        let address = self.address().map(|address| address.is_encrypted());
        check_address(
            key,
            address,
            BrokerAddress { url: &self.url, password: self.password.as_ref(), tls: self.tls.as_ref() },
            report,
        );
        if self.exchange.is_empty() && self.routing_key.is_empty() {
            report.wrong(&key.child("routing_key"), "is empty", "Name the queue, or set `exchange`.");
        }
        match &self.declare {
            Some(_) if self.exchange.is_empty() => {
                let remedy =
                    "Name an exchange beside it, or leave it out: the exchange \"\" is always there.";
                report.wrong(&key.child("declare"), "stands without `exchange`", remedy);
            }
            Some(kind) if kind.is_empty() => {
                let remedy = "Say what kind of exchange it is, such as \"topic\".";
                report.wrong(&key.child("declare"), "is empty", remedy);
            }
            _ => {}
        }
        report.not_zero(&key.child("request_timeout"), self.request_timeout.is_zero());
    }

    /// A routing key, by whichever of its nodes. Events that two sinks put there are there twice.
    fn claim(&self) -> Option<Claim> {
        let places = self.address().ok()?.places();
        let place = |place| vec![place, self.exchange.clone(), self.routing_key.clone()];
        Some(Claim {
            places: places.into_iter().map(place).collect(),
            is_by_stream: true,
            member: "routing_key",
            what: "sends the same streams by the same exchange and routing key as",
            remedy: "Give one of them another `routing_key`, or other `streams`.",
        })
    }
}

impl RabbitmqSettings {
    fn address(&self) -> Result<RabbitAddress, SettingsError> {
        RabbitAddress::parse(self.url.expose(), self.password.as_ref().map(Secret::expose))
    }
}
