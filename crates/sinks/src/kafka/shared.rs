//! What all lanes of a sink have in common.

use std::sync::atomic::{AtomicBool, Ordering};

use weir_kafka::Events;
use weir_kafka::rdkafka::ClientConfig;

use super::fault::Fault;
use super::message::Form;
use super::payload::Payload;
use super::settings::KafkaSettings;
use super::topics::Topics;
use crate::SettingsError;

pub(super) struct Shared {
    pub settings: KafkaSettings,
    pub form: Form,
    pub topics: Topics,
    /// For a producer without transactions.
    pub plain: ClientConfig,
    /// For one with them, but for their name.
    pub transactional: ClientConfig,
    /// The brokers, as they may be shown.
    pub address: String,
    /// Set when the brokers turned out to know no transactions.
    does_without: AtomicBool,
}

impl Shared {
    pub fn new(settings: KafkaSettings) -> Result<Self, SettingsError> {
        settings.check()?;
        let plain = settings.producer(false)?;
        let form = Form {
            topic: settings.topic_template()?,
            key: settings.key_template()?,
            payload: Payload::new(&settings),
            message_max_bytes: message_max_bytes(&plain)?,
        };
        Ok(Self {
            form,
            topics: Topics::new(settings.create_topics, settings.topics_max),
            transactional: settings.producer(settings.exactly_once != Some(false))?,
            plain,
            address: format!("kafka {}", settings.connection.brokers),
            does_without: AtomicBool::new(settings.exactly_once == Some(false)),
            settings,
        })
    }

    /// Who listens to a client.
    pub fn events(&self) -> Result<Events, Fault> {
        let KafkaSettings { connection, name, .. } = &self.settings;
        connection.events(name).map_err(|error| Fault::plain(error.to_string()))
    }

    pub fn has_transactions(&self) -> bool {
        !self.does_without.load(Ordering::Relaxed)
    }

    /// Whether the brokers know no transactions, and none were asked for. Said once.
    pub fn may_do_without(&self, fault: &Fault) -> bool {
        let may = self.settings.exactly_once.is_none() && fault.is_unsupported();
        if may && !self.does_without.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                sink = self.settings.name,
                "{}: these brokers know no transactions ({fault}); events may be there twice after a failure",
                self.address
            );
        }
        may
    }
}

/// As librdkafka knows it, whoever set it.
fn message_max_bytes(config: &ClientConfig) -> Result<usize, SettingsError> {
    const NAME: &str = "message.max.bytes";
    let text = config.create_native_config().and_then(|native| native.get(NAME));
    let bytes = text.map_err(|error| SettingsError(format!("kafka.{NAME:?}: {error}")))?;
    bytes.parse().map_err(|_| SettingsError(format!("kafka.{NAME:?} = {bytes:?} is no number")))
}
