//! How Kafka is read.

use std::collections::BTreeMap;

use weir_core::event::Stream;
use weir_core::intake::StreamRules;
use weir_core::message::{MessageReader, ValueFormat};
use weir_core::schema::CurrentRegistry;
use weir_kafka::rdkafka::ClientConfig;
use weir_kafka::{Connection, Pinned, SettingError};

/// What librdkafka keeps ahead of one partition, and how much more it fetches when that much is not there. Much at once
/// spares the broker requests, which cost it more than what they bring.
const AHEAD_MAX_KBYTES: usize = 2 << 10;
const FETCHED_MAX_BYTES: usize = 4 << 20;
/// How soon it looks again, so that partitions that want more ask for it together.
const AHEAD_CHECK_MS: u32 = 50;
/// How long a topic or a partition that is new, or gone, may stay unnoticed.
const METADATA_REFRESH_MS: u32 = 15_000;

/// The settings of one input; shown without secrets.
#[derive(Clone, Debug)]
pub struct KafkaSettings {
    /// The input's name; part of the names of its partitions.
    pub input: String,
    /// Where Kafka is, how one gets in, and librdkafka's own settings.
    pub connection: Connection,
    /// The topics; one that begins with `^` is a regular expression.
    pub topics: Vec<String>,
    /// The consumer group: all instances with the same one share the partitions.
    pub group: String,
    /// Whether a partition for which nothing is committed is read from its beginning on, or else from its end.
    pub begins_with_oldest: bool,
    /// The stream that events are of; without it, what their headers say.
    pub stream: Option<Stream>,
    /// What values are.
    pub format: ValueFormat,
    /// The messages that Protobuf can be.
    pub schemas: CurrentRegistry,
    /// Of which type Protobuf is; without it, what the header `event_name` says, or the key.
    pub message: Option<String>,
    /// What streams ask of their events.
    pub rules: Vec<StreamRules>,
    /// The longest value that is looked into.
    pub message_max_bytes: usize,
    /// What is kept in memory of what was read last, over all partitions, for those sinks that read it a little later.
    pub window_max_bytes: usize,
}

const fn elsewhere(name: &'static str, why: &'static str) -> Pinned {
    Pinned { name, values: &[], why }
}

/// What the promises rest on, or what is said in another way.
const PINNED: [Pinned; 6] = [
    elsewhere("group.id", "name the group in `group`"),
    elsewhere("auto.offset.reset", "say `from = \"oldest\"` or `from = \"newest\"`"),
    Pinned {
        name: "enable.auto.commit",
        values: &["false"],
        why: "what is committed is what every sink has settled, not what was read",
    },
    Pinned {
        name: "enable.auto.offset.store",
        values: &["false"],
        why: "what is committed is what every sink has settled, not what was read",
    },
    Pinned { name: "enable.partition.eof", values: &["true"], why: "it tells of the end of a partition" },
    elsewhere("topic.blacklist", "name the topics in `topics`"),
];

impl KafkaSettings {
    /// The default settings for these topics.
    pub fn new(input: &str, brokers: &str, topics: &[&str]) -> Self {
        Self {
            input: input.to_owned(),
            connection: Connection { brokers: brokers.to_owned(), ..Connection::default() },
            topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
            group: "weir".to_owned(),
            begins_with_oldest: true,
            stream: None,
            format: ValueFormat::default(),
            schemas: CurrentRegistry::default(),
            message: None,
            rules: vec![StreamRules::events()],
            message_max_bytes: 4 << 20,
            window_max_bytes: 32 << 20,
        }
    }

    /// Whether they can be used, without asking a broker.
    pub fn check(&self) -> Result<(), SettingError> {
        if self.topics.is_empty() || self.topics.iter().any(|topic| topic.trim().is_empty()) {
            return Err(SettingError("topics: name at least one, and none that is empty".to_owned()));
        }
        if self.group.trim().is_empty() {
            return Err(SettingError("group: name the consumer group".to_owned()));
        }
        self.member().and(self.reader()).map(drop)
    }

    /// What the group's member is told: it takes part in assignments and commits, and reads nothing.
    pub(super) fn member(&self) -> Result<ClientConfig, SettingError> {
        let defaults = [
            ("partition.assignment.strategy", "cooperative-sticky".to_owned()),
            ("topic.metadata.refresh.interval.ms", METADATA_REFRESH_MS.to_string()),
            ("isolation.level", "read_committed".to_owned()),
        ];
        let mut config = self.connection.client_config(&defaults, &PINNED)?;
        // It stands at the end of its partitions, without asking why.
        config.set("group.id", &self.group).set("auto.offset.reset", "latest");
        Ok(config)
    }

    /// What those are told that read: they are told where, and belong to no group.
    pub(super) fn reader(&self) -> Result<ClientConfig, SettingError> {
        let defaults = [
            ("queued.max.messages.kbytes", AHEAD_MAX_KBYTES.to_string()),
            ("fetch.message.max.bytes", FETCHED_MAX_BYTES.to_string()),
            ("fetch.queue.backoff.ms", AHEAD_CHECK_MS.to_string()),
            ("fetch.wait.max.ms", "100".to_owned()),
            ("fetch.error.backoff.ms", "100".to_owned()),
            ("isolation.level", "read_committed".to_owned()),
        ];
        let mut config = self.connection.client_config(&defaults, &PINNED)?;
        // A place that is not there is told, not passed over. librdkafka wants the name of a group to be told a place.
        config.set("group.id", &self.group).set("auto.offset.reset", "error").remove("group.instance.id");
        // They tell how far it has come where nothing is given.
        config.set("statistics.interval.ms", "1000");
        Ok(config)
    }

    pub(super) fn message_reader(&self) -> MessageReader {
        let rules = self.rules.iter().map(|rules| (rules.stream().clone(), rules.clone()));
        MessageReader {
            kind: "kafka",
            stream: self.stream.clone(),
            format: self.format,
            schemas: self.schemas.clone(),
            message: self.message.clone(),
            rules: rules.collect::<BTreeMap<_, _>>(),
            value_max_bytes: self.message_max_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(own: &[(&str, &str)]) -> KafkaSettings {
        let mut settings = KafkaSettings::new("bus", "localhost:9092", &["t"]);
        settings.connection.own = own.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        settings
    }

    #[test]
    fn what_would_break_a_promise_is_refused_with_the_reason() {
        for (name, value, why) in [
            ("enable.auto.commit", "true", "settled"),
            ("group.id", "g", "`group`"),
            ("auto.offset.reset", "latest", "`from"),
            ("fetch.wait.max.ms", "soon", "nvalid value"),
        ] {
            let error = with(&[(name, value)]).check().unwrap_err().to_string();
            assert!(error.contains(why) && error.contains(name), "{error}");
        }
        assert!(KafkaSettings { topics: vec![], ..with(&[]) }.check().is_err());
        assert!(KafkaSettings { group: " ".to_owned(), ..with(&[]) }.check().is_err());
        assert_eq!(
            with(&[("fetch.min.bytes", "7"), ("isolation.level", "read_uncommitted")]).check(),
            Ok(())
        );
    }

    #[test]
    fn a_static_member_is_one_alone() {
        let settings = with(&[("group.instance.id", "i-1")]);
        assert_eq!(settings.member().unwrap().get("group.instance.id"), Some("i-1"));
        assert_eq!(settings.reader().unwrap().get("group.instance.id"), None);
    }
}
