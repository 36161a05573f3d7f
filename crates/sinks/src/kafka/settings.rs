//! How the Kafka sink is set.

use std::time::Duration;

use weir_core::schema::CurrentRegistry;
use weir_kafka::rdkafka::ClientConfig;
use weir_kafka::{Connection, Pinned, SettingError};

use super::topic_name::topic_template;
use crate::SettingsError;
use crate::brokers::Template;

/// What transactions need beyond the time that a delivery may take, so that the broker ends none too early.
const TRANSACTION_GRACE: Duration = Duration::from_secs(10);
const LINGER_MS: u32 = 50;
/// What librdkafka may hold of messages that it has not delivered.
const QUEUE_MAX_KBYTES: usize = 64 << 10;

/// The settings; shown without their secrets.
#[derive(Clone, Debug)]
pub struct KafkaSettings {
    /// The sink's name, for librdkafka's log.
    pub name: String,
    /// Where Kafka is, how one gets in, and librdkafka's own settings.
    pub connection: Connection,
    /// The topic of an event: a name, with `{stream}`, `{event}` or any member or JSON pointer in it.
    pub topic: String,
    /// The key of its message, likewise; where something in it is absent, there is no key.
    pub key: Option<String>,
    /// What a message holds.
    pub format: Format,
    /// The event types that Protobuf is of.
    pub schemas: CurrentRegistry,
    /// Whether a batch is a transaction. `None`: where the brokers know transactions.
    pub exactly_once: Option<bool>,
    /// What the names of its transactions and of its consumer groups begin with.
    pub group: String,
    /// Set where topics that are missing are to be made.
    pub create_topics: Option<CreateTopics>,
    /// How many topics events may be spread over; what is for yet another one is refused.
    pub topics_max: usize,
    /// How long a delivery or a check may take.
    pub request_timeout: Duration,
}

/// What the value of a message is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// One JSON object: what Weir knows of the event, then its own members.
    #[default]
    Json,
    /// The event as its client sent it.
    Raw,
    /// The Protobuf message of an event of `/store`.
    Protobuf,
}

/// How a topic is made that is missing; the brokers' defaults where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CreateTopics {
    /// How many partitions.
    pub partitions: Option<i32>,
    /// On how many brokers each of them is.
    pub replication: Option<i32>,
}

/// What an event counted as delivered rests on.
const ACKNOWLEDGED: Pinned = Pinned {
    name: "acks",
    values: &["all", "-1"],
    why: "what fewer brokers have would be lost with them, and count as delivered",
};
const ACKNOWLEDGED_TOO: Pinned = Pinned { name: "request.required.acks", ..ACKNOWLEDGED };
const IDEMPOTENT: Pinned = Pinned {
    name: "enable.idempotence",
    values: &["true"],
    why: "without it a repeated request doubles events and changes their order; \
          set exactly_once = false if that may be",
};
const NAMED: Pinned =
    Pinned { name: "transactional.id", values: &[], why: "each log's transactions have one; see `group`" };

impl KafkaSettings {
    /// The default settings for these brokers.
    pub fn new(brokers: impl Into<String>) -> Self {
        Self {
            name: "kafka".to_owned(),
            connection: Connection { brokers: brokers.into(), ..Connection::default() },
            topic: "{stream}".to_owned(),
            key: None,
            format: Format::default(),
            schemas: CurrentRegistry::default(),
            exactly_once: None,
            group: "weir".to_owned(),
            create_topics: None,
            topics_max: 1_000,
            request_timeout: Duration::from_secs(30),
        }
    }

    /// Whether they can be used, without asking a broker.
    pub fn check(&self) -> Result<(), SettingsError> {
        self.topic_template()?;
        self.key_template()?;
        if self.group.is_empty() || self.group.contains(char::is_control) {
            return Err(SettingsError(format!("group = {:?}: name it", self.group)));
        }
        let counts = self.create_topics.map(|topics| [topics.partitions, topics.replication]);
        if counts.into_iter().flatten().flatten().any(|count| count < 1) {
            return Err(SettingsError(
                "create_topics: `partitions` and `replication` are at least 1".to_owned(),
            ));
        }
        let listener = self.connection.events(&self.name).map_err(refused)?;
        if listener.needs_token() && self.create_topics.is_some() {
            let what =
                "topics cannot be made by who comes in with OAUTHBEARER; make them, and leave this out";
            return Err(SettingsError(format!("create_topics: {what}")));
        }
        self.producer(self.exactly_once != Some(false)).map(drop)
    }

    pub(super) fn topic_template(&self) -> Result<Template, SettingsError> {
        topic_template(&self.topic)
    }

    pub(super) fn key_template(&self) -> Result<Option<Template>, SettingsError> {
        let wrong = |error| SettingsError(format!("key = {error}"));
        self.key.as_deref().map(|key| Template::parse(key).map_err(wrong)).transpose()
    }

    /// What a producer is told, but for the name of its transactions.
    pub(super) fn producer(&self, is_transactional: bool) -> Result<ClientConfig, SettingsError> {
        let defaults = [
            ("enable.idempotence", "true".to_owned()),
            // As Kafka's own clients do it, so that a key is in one partition whoever writes it.
            ("partitioner", "murmur2_random".to_owned()),
            // No request waits for more once a batch is whole: it is flushed. Before, a full one is worth the while.
            ("linger.ms", LINGER_MS.to_string()),
            ("queue.buffering.max.kbytes", QUEUE_MAX_KBYTES.to_string()),
            ("message.timeout.ms", millis(self.request_timeout)),
            // While it waits for a group's coordinator that has gone, librdkafka looks for another one only when some
            // connection changes, whatever time it was given (its issues 5456 and 5511). One that idles does.
            ("connections.max.idle.ms", millis(self.request_timeout / 3)),
            ("transaction.timeout.ms", millis(self.request_timeout.saturating_add(TRANSACTION_GRACE))),
        ];
        let pinned: &[Pinned] = match is_transactional {
            true => &[ACKNOWLEDGED, ACKNOWLEDGED_TOO, NAMED, IDEMPOTENT],
            false => &[ACKNOWLEDGED, ACKNOWLEDGED_TOO, NAMED],
        };
        self.connection.client_config(&defaults, pinned).map_err(refused)
    }

    /// What somebody is told who only asks.
    pub(super) fn reader(&self, group: &str) -> Result<ClientConfig, SettingsError> {
        let defaults = [("group.id", group.to_owned()), ("enable.auto.commit", "false".to_owned())];
        self.connection.client_config(&defaults, &[]).map_err(refused)
    }
}

/// librdkafka knows no longer time.
fn millis(duration: Duration) -> String {
    duration.as_millis().clamp(1_000, 900_000).to_string()
}

/// The client's word on a setting, as every sink tells it.
fn refused(error: SettingError) -> SettingsError {
    SettingsError(error.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(own: &[(&str, &str)]) -> KafkaSettings {
        let mut settings = KafkaSettings::new("localhost:9092");
        settings.connection.own =
            own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        settings
    }

    #[test]
    fn what_would_break_a_promise_is_refused_with_the_reason() {
        for (own, why) in [
            ([("acks", "1")], "count as delivered"),
            ([("request.required.acks", "0")], "count as delivered"),
            ([("enable.idempotence", "false")], "exactly_once = false"),
            ([("transactional.id", "x")], "`group`"),
        ] {
            let error = with(&own).check().unwrap_err().to_string();
            assert!(error.contains(why) && error.contains(own[0].0), "{error}");
        }
        let unsure = [("enable.idempotence", "false")];
        assert_eq!(KafkaSettings { exactly_once: Some(false), ..with(&unsure) }.check(), Ok(()));
        assert_eq!(
            with(&[("acks", "all"), ("linger.ms", "5"), ("compression.codec", "zstd")]).check(),
            Ok(())
        );
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let bad = |change: fn(&mut KafkaSettings)| {
            let mut settings = with(&[]);
            change(&mut settings);
            settings.check().unwrap_err().to_string()
        };
        assert!(bad(|settings| settings.group.clear()).contains("group"));
        assert!(bad(|settings| settings.connection.brokers.clear()).contains("brokers"));
        assert!(bad(|settings| settings.topic = "a b".to_owned()).contains("topic"));
        let none = CreateTopics { partitions: Some(0), replication: None };
        assert!(
            KafkaSettings { create_topics: Some(none), ..with(&[]) }
                .check()
                .unwrap_err()
                .0
                .contains("at least 1")
        );
    }
}
