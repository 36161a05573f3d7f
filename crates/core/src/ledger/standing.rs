//! How accounts stand at one moment, as people and metrics are told.

use std::collections::BTreeMap;

use crate::event::Stream;
use crate::log::Partition;
use crate::sink::SinkName;
use crate::time::Timestamp;

/// How deliveries to a sink fare.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// Running, or what keeps it from that.
    pub state: State,
    /// The last failure, which stays to be read after things went well again.
    pub last_error: Option<Failure>,
    /// When the next attempt is due, while retrying or blocked.
    pub next_try_at: Option<Timestamp>,
}

/// What a sink is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Deliveries succeed, or there are none.
    #[default]
    Running,
    /// The last delivery failed; it is repeated.
    Retrying,
    /// A person has to mend something; it is tried on.
    Blocked,
    /// A person has paused it: nothing is planned or sent until it is resumed.
    Paused,
    /// No longer configured. It holds the log until it is forgotten.
    Removed,
    /// Processes of other roles bring it its events. It holds the log while it lacks something of it.
    Elsewhere,
}

impl State {
    /// The word for it in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Retrying => "retrying",
            Self::Blocked => "blocked",
            Self::Paused => "paused",
            Self::Removed => "removed",
            Self::Elsewhere => "elsewhere",
        }
    }
}

/// A failed delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What the sink said.
    pub text: String,
    /// When.
    pub at: Timestamp,
}

/// All accounts at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Events ever accepted by the log, and brought by brokers since the start, by stream.
    pub accepted: BTreeMap<Stream, u64>,
    /// One for each account of a sink.
    pub sinks: Vec<Standing>,
    /// One for each account of an input: dead is what it could not read.
    pub inputs: Vec<Standing>,
}

/// One account at one moment. `routed == delivered + dead + filtered + pending`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The sink.
    pub sink: SinkName,
    /// The partition.
    pub partition: Partition,
    /// `""`, or the replay that this is.
    pub lane: String,
    /// Accepted since the account began, of the streams that the sink took at the time.
    pub routed: u64,
    /// Stored, duplicates included.
    pub delivered: u64,
    /// Of those, there before.
    pub duplicates: u64,
    /// Refused for good.
    pub dead: u64,
    /// Left out by the sink's filter.
    pub filtered: u64,
    /// Not yet any of these.
    pub pending: u64,
    /// When the oldest pending event that was read came in.
    pub oldest_pending_at: Option<Timestamp>,
    /// Whether a person has paused the sink; also one that is no longer configured.
    pub is_paused: bool,
    /// How deliveries fare.
    pub condition: Condition,
}
