//! `type = "kafka"`: messages to Kafka.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{BatchSettings, Claim, Side, SinkType, TlsSettings, TypeFacts};
use crate::config::LibrdkafkaSettings;
use crate::config::duration;
use crate::config::key::Key;
use crate::config::problem::Report;
use crate::config::settings::kafka_brokers::check_kafka;

/// Topics in Kafka, one message an event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KafkaSettings {
    /// `HOST:PORT`, several with commas between them.
    pub brokers: String,
    /// The topic, with `{stream}`, `{event}` or any member in it.
    #[serde(default = "topic_default")]
    pub topic: String,
    /// The key, likewise; none when absent.
    #[serde(default)]
    pub key: Option<String>,
    /// What a message holds.
    #[serde(default)]
    pub format: KafkaFormat,
    /// Whether a batch is a transaction; where the brokers know them when absent.
    #[serde(default)]
    pub exactly_once: Option<bool>,
    /// What the names of its transactions and groups begin with.
    #[serde(default = "group_default")]
    pub group: String,
    /// How missing topics are made; they are not when absent.
    #[serde(default)]
    pub create_topics: Option<CreateTopics>,
    /// How many topics there may be.
    #[serde(default = "topics_max_default")]
    pub topics_max: usize,
    /// How long a delivery may take.
    #[serde(default = "request_timeout_default", with = "duration")]
    pub request_timeout: Duration,
    /// Whom to trust, and as whom to show oneself.
    #[serde(default)]
    pub tls: Option<TlsSettings>,
    /// librdkafka's own settings.
    #[serde(default, skip_serializing_if = "LibrdkafkaSettings::is_empty")]
    pub kafka: LibrdkafkaSettings,
}

/// What a message holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KafkaFormat {
    /// One JSON object: what Weir knows of the event, then its own members.
    #[default]
    Json,
    /// The event as it came.
    Raw,
    /// The Protobuf message of an event of `/store`.
    Protobuf,
}

/// How a topic is made; as the brokers have it where nothing is said.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CreateTopics {
    /// How many partitions.
    pub partitions: Option<i32>,
    /// On how many brokers each of them is.
    pub replication: Option<i32>,
}

fn topic_default() -> String {
    "{stream}".to_owned()
}

fn group_default() -> String {
    "weir".to_owned()
}

fn topics_max_default() -> usize {
    1_000
}

fn request_timeout_default() -> Duration {
    Duration::from_secs(30)
}

impl SinkType for KafkaSettings {
    fn facts() -> TypeFacts {
        let batch = BatchSettings {
            // A batch is a transaction, and one follows the other: what one costs is spread over many.
            max_events: 20_000,
            max_bytes: 16 << 20,
            buffer_max_bytes: 64 << 20,
            max_age: Duration::from_millis(200),
            // One after the other, so that events keep their order.
            in_flight: 1,
            ..BatchSettings::default()
        };
        TypeFacts { name: "kafka", side: Side::Broker, batch }
    }

    fn check(&self, key: &Key, report: &mut Report<'_>) {
        check_kafka(key, (&self.brokers, &self.kafka, self.tls.as_ref()), report);
        for (name, text) in
            [("topic", Some(&self.topic)), ("key", self.key.as_ref()), ("group", Some(&self.group))]
        {
            if text.is_some_and(String::is_empty) {
                report.wrong(&key.child(name), "is empty", "Write one, or leave it out.");
            }
        }
        report.not_zero(&key.child("topics_max"), self.topics_max == 0);
        report.not_zero(&key.child("request_timeout"), self.request_timeout.is_zero());
    }

    /// A topic, by whichever of its brokers. Events that two sinks put there are there twice.
    fn claim(&self) -> Option<Claim> {
        let place = |broker: &str| vec![broker.trim().to_ascii_lowercase(), self.topic.clone()];
        Some(Claim {
            places: self.brokers.split(',').map(place).collect(),
            is_by_stream: true,
            member: "topic",
            what: "puts the same streams into the same topic as",
            remedy: "Give one of them another `topic`, or other `streams`.",
        })
    }
}
