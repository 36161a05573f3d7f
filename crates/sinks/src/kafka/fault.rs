//! What Kafka's error codes mean for a batch.
//!
//! **Constraint.** What is not known to be the fault of the events, or of a person, is tried again: so nothing is lost.

use std::fmt;

use anyhow::anyhow;
use weir_core::sink::{Refusal, SinkError};
use weir_kafka::Trouble;
use weir_kafka::rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

/// What went wrong, in Kafka's words.
#[derive(Debug)]
pub(super) struct Fault {
    code: Option<Code>,
    words: String,
}

/// What is to be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The brokers are busy, away or not well: come again.
    Busy,
    /// A message, or some of several.
    Messages,
    /// Somebody has to do this.
    Person(&'static str),
}

impl Meaning {
    fn of(code: Code) -> Self {
        match code {
            Code::MessageSizeTooLarge
            | Code::MessageBatchTooLarge
            | Code::InvalidMessage
            | Code::InvalidMessageSize
            | Code::InvalidRecord
            | Code::InvalidTimestamp => Self::Messages,
            Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition => {
                Self::Person("make the topic, or set `create_topics`")
            }
            Code::TopicAuthorizationFailed => Self::Person(
                "allow the user Describe and Write on the topic, with `exactly_once` Read too, and Create \
                 where `create_topics` is set",
            ),
            Code::GroupAuthorizationFailed => Self::Person(
                "allow the user Read on the groups whose names begin with `group`, or set exactly_once = false",
            ),
            Code::TransactionalIdAuthorizationFailed => Self::Person(
                "allow the user Describe and Write on the transactional ids that begin with `group`, or set \
                 exactly_once = false",
            ),
            Code::ClusterAuthorizationFailed => Self::Person(
                "allow the user IdempotentWrite on the cluster, and Create where `create_topics` is set",
            ),
            Code::SaslAuthenticationFailed
            | Code::Authentication
            | Code::UnsupportedSASLMechanism
            | Code::IllegalSASLState => Self::Person("see to the user, the password and \"sasl.mechanism\""),
            Code::SSL => Self::Person(
                "set tls.ca to the authority that signed the brokers' certificates; see to tls.cert and tls.key",
            ),
            Code::UnsupportedFeature | Code::UnsupportedVersion => {
                Self::Person("the brokers know no transactions: set exactly_once = false")
            }
            Code::InvalidTransactionTimeout => {
                Self::Person("lower `request_timeout`, or raise the brokers' transaction.max.timeout.ms")
            }
            Code::OffsetMetadataTooLarge => Self::Person(
                "raise the brokers' offset.metadata.max.bytes to 4096, or set exactly_once = false",
            ),
            Code::InvalidTopic
            | Code::InvalidPartitions
            | Code::InvalidReplicationFactor
            | Code::InvalidConfig
            | Code::PolicyViolation => Self::Person("see to `topic` and `create_topics`"),
            _ => Self::Busy,
        }
    }
}

impl Fault {
    pub fn of(error: &KafkaError) -> Self {
        let words = match error {
            KafkaError::Transaction(error) => error.string(),
            error => error.rdkafka_error_code().map_or_else(|| error.to_string(), |code| code.to_string()),
        };
        Self { code: error.rdkafka_error_code(), words }
    }

    pub fn coded(code: Code, words: impl Into<String>) -> Self {
        Self { code: Some(code), words: words.into() }
    }

    /// Something that has no code.
    pub fn plain(words: impl Into<String>) -> Self {
        Self { code: None, words: words.into() }
    }

    /// With what the client was heard to say. A request that came to nothing does not know why.
    pub fn because(self, trouble: Option<Trouble>) -> Self {
        match trouble {
            Some(Trouble { code, words }) if self.is_vague() => {
                Self { code: Some(code), words: format!("{words} ({})", self.words) }
            }
            _ => self,
        }
    }

    fn is_vague(&self) -> bool {
        use Code::{
            AllBrokersDown, BrokerTransportFailure, MessageTimedOut, OperationTimedOut, PurgeInflight,
            PurgeQueue, RequestTimedOut, TimedOutQueue,
        };
        let vague = [
            AllBrokersDown,
            BrokerTransportFailure,
            MessageTimedOut,
            OperationTimedOut,
            PurgeInflight,
            PurgeQueue,
            RequestTimedOut,
            TimedOutQueue,
        ];
        self.code.is_none_or(|code| vague.contains(&code))
    }

    pub fn meaning(&self) -> Meaning {
        self.code.map_or(Meaning::Busy, Meaning::of)
    }

    pub fn is_missing_topic(&self) -> bool {
        matches!(
            self.code,
            Some(Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::LeaderNotAvailable)
        )
    }

    /// Whether a group's coordinator is on its way, which librdkafka does not wait for.
    pub fn is_passing(&self) -> bool {
        use Code::{CoordinatorLoadInProgress, CoordinatorNotAvailable, NotCoordinator};
        self.code.is_some_and(|code| {
            [CoordinatorLoadInProgress, CoordinatorNotAvailable, NotCoordinator].contains(&code)
        })
    }

    /// Whether no answer came in time.
    pub fn is_late(&self) -> bool {
        self.code == Some(Code::OperationTimedOut)
    }

    pub fn is_unsupported(&self) -> bool {
        matches!(self.code, Some(Code::UnsupportedFeature | Code::UnsupportedVersion))
    }

    /// Whether another producer of the same name has begun, whose turn it is now.
    pub fn is_fenced(&self) -> bool {
        use Code::{Fenced, InvalidProducerEpoch, ProducerFenced};
        self.code.is_some_and(|code| [Fenced, ProducerFenced, InvalidProducerEpoch].contains(&code))
    }

    /// For a whole batch.
    pub fn at(self, brokers: &str) -> SinkError {
        match self.meaning() {
            Meaning::Busy => SinkError::retry(anyhow!("{brokers}: {}", self.words)),
            Meaning::Messages => SinkError::Refused(self.refusal()),
            Meaning::Person(remedy) => {
                SinkError::Blocked { cause: anyhow!("{brokers}: {}; {remedy}", self.words) }
            }
        }
    }

    /// For a message that will not be taken.
    pub fn refusal(self) -> Refusal {
        let reason = match self.code {
            Some(Code::MessageSizeTooLarge | Code::MessageBatchTooLarge) => "message_too_large".to_owned(),
            Some(code) => snake_case(&format!("{code:?}")),
            None => "refused".to_owned(),
        };
        Refusal { reason, detail: self.words }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trouble(code: Code) -> Option<Trouble> {
        Some(Trouble { code, words: "kafka:9092: no entry".to_owned() })
    }

    #[test]
    fn each_code_is_judged_by_what_can_be_done_about_it() {
        let error = |code| Fault::coded(code, "words").at("kafka:9092");
        for code in [Code::NotEnoughReplicas, Code::BrokerTransportFailure, Code::Fenced, Code::Unknown] {
            assert!(matches!(error(code), SinkError::Retry { .. }), "{code}");
        }
        for code in [
            Code::UnknownTopicOrPartition,
            Code::TopicAuthorizationFailed,
            Code::SaslAuthenticationFailed,
            Code::SSL,
        ] {
            assert!(matches!(error(code), SinkError::Blocked { .. }), "{code}");
        }
        for (code, reason) in
            [(Code::MessageSizeTooLarge, "message_too_large"), (Code::InvalidRecord, "invalid_record")]
        {
            let SinkError::Refused(refusal) = error(code) else { panic!("{code}") };
            assert_eq!((refusal.reason.as_str(), refusal.detail.as_str()), (reason, "words"));
        }
    }

    #[test]
    fn a_request_that_timed_out_is_told_with_what_the_client_met() {
        let late = || Fault::coded(Code::OperationTimedOut, "timed out");
        let explained = late().because(trouble(Code::Authentication)).at("kafka:9092");
        assert!(matches!(&explained, SinkError::Blocked { cause } if cause.to_string().contains("no entry")));
        assert!(matches!(late().because(None).at("kafka:9092"), SinkError::Retry { .. }));
        let clear = Fault::coded(Code::TopicAuthorizationFailed, "not allowed");
        assert!(clear.because(trouble(Code::Resolve)).to_string().contains("not allowed"));
    }
}
