//! `type = "kafka"`: messages of Kafka's topics, as a consumer group.

use serde::{Deserialize, Serialize};

use super::{InputBeginning, InputFormat, InputType, check_stream};
use crate::config::key::Key;
use crate::config::problem::Report;
use crate::config::settings::kafka_brokers::check_kafka;
use crate::config::{LibrdkafkaSettings, Roles, TlsSettings, size};

/// Topics of Kafka.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KafkaInputSettings {
    /// `HOST:PORT`, several with commas between them.
    pub brokers: String,
    /// The topics; one that begins with `^` is a regular expression.
    pub topics: Vec<String>,
    /// The consumer group, whose members share the partitions.
    #[serde(default = "group_default")]
    pub group: String,
    /// The stream that events are of; what their headers say when absent.
    #[serde(default)]
    pub stream: Option<String>,
    /// Which processes read it.
    pub roles: Roles,
    /// What a message's value is.
    #[serde(default)]
    pub format: InputFormat,
    /// Of which type Protobuf is; what the header `event_name` or the key says when absent.
    #[serde(default)]
    pub message: Option<String>,
    /// A topic for what is no event, beside the dead letters.
    #[serde(default)]
    pub dead_letter_topic: Option<String>,
    /// Where a partition is begun of which the group has committed nothing.
    #[serde(default)]
    pub from: InputBeginning,
    /// The longest value that is looked into.
    #[serde(default = "message_max_default", with = "size")]
    pub message_max_bytes: u64,
    /// What is kept in memory of what was read last.
    #[serde(default = "window_max_default", with = "size")]
    pub window_max_bytes: u64,
    /// Whom to trust, and as whom to show oneself.
    #[serde(default)]
    pub tls: Option<TlsSettings>,
    /// librdkafka's own settings.
    #[serde(default, skip_serializing_if = "LibrdkafkaSettings::is_empty")]
    pub kafka: LibrdkafkaSettings,
}

fn group_default() -> String {
    "weir".to_owned()
}

fn message_max_default() -> u64 {
    4 << 20
}

fn window_max_default() -> u64 {
    32 << 20
}

impl InputType for KafkaInputSettings {
    fn roles(&self) -> &Roles {
        &self.roles
    }

    fn uses_log(&self) -> bool {
        false
    }

    fn check(&self, key: &Key, streams: &[&str], report: &mut Report<'_>) {
        check_kafka(key, (&self.brokers, &self.kafka, self.tls.as_ref()), report);
        check_stream(key, self.stream.as_deref(), streams, report);
        if self.topics.is_empty() || self.topics.iter().any(|topic| topic.trim().is_empty()) {
            report.wrong(&key.child("topics"), "names no topic", "Name one or more: topics = [\"events\"].");
        }
        if self.group.trim().is_empty() {
            report.wrong(&key.child("group"), "is empty", "Write one, or leave it out.");
        }
        if let Some(topic) = &self.dead_letter_topic {
            let remedy = "Name a topic of its own, or leave it out.";
            let key = key.child("dead_letter_topic");
            if topic.is_empty() || topic.contains('{') {
                report.wrong(&key, "is no topic", remedy);
            } else if self.topics.contains(topic) {
                report.wrong(
                    &key,
                    "is one of `topics`: what cannot be read would come back for ever",
                    remedy,
                );
            }
        }
        if self.message.is_some() && self.format != InputFormat::Protobuf {
            let what = "names a type of Protobuf, and values are something else";
            report.wrong(&key.child("message"), what, "Set `format = \"protobuf\"`, or leave it out.");
        }
        report.not_zero(&key.child("message_max_bytes"), self.message_max_bytes == 0);
        report.not_zero(&key.child("window_max_bytes"), self.window_max_bytes == 0);
    }

    /// By whichever of its brokers. A sink may have a topic for each stream.
    fn places(&self, streams: &[&str]) -> Vec<Vec<String>> {
        let brokers: Vec<String> =
            self.brokers.split(',').map(|broker| broker.trim().to_ascii_lowercase()).collect();
        let by_stream = self.topics.iter().any(|topic| streams.contains(&topic.as_str()));
        let topics = self.topics.iter().cloned().chain(by_stream.then(|| "{stream}".to_owned()));
        topics
            .flat_map(|topic| brokers.iter().map(move |broker| vec![broker.clone(), topic.clone()]))
            .collect()
    }
}
