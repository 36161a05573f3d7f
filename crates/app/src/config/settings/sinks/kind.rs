//! What is particular to a type of sink; the file called after the type tells it.

use super::BatchSettings;
use crate::config::key::Key;
use crate::config::problem::Report;
use crate::config::settings::{Role, Roles};

/// The settings that only one type of sink has.
pub trait SinkType {
    /// What holds before any settings are read.
    fn facts() -> TypeFacts
    where
        Self: Sized;

    /// Tells what is wrong although each value by itself could be read.
    fn check(&self, key: &Key, report: &mut Report<'_>);

    /// What no other sink of the type may have; nothing where they cannot get in each other's way.
    fn claim(&self) -> Option<Claim>;
}

/// What becomes of events in a sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It hands them on: Kafka, Redis, RabbitMQ.
    Broker,
    /// It keeps them.
    Store,
}

impl Side {
    /// Which processes bring it its events, where the settings do not say.
    pub fn roles(self) -> Roles {
        match self {
            Self::Broker => Role::Api.into(),
            Self::Store => Role::Loader.into(),
        }
    }
}

/// What is known of a type before any settings are read.
#[derive(Clone, Debug)]
pub struct TypeFacts {
    /// What `type` says; a section of this name needs none.
    pub name: &'static str,
    /// What becomes of events there.
    pub side: Side,
    /// How events are batched where the settings do not say.
    pub batch: BatchSettings,
}

/// The places that a sink must have for itself, and how it is told that it has not.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Where it writes, each place by its parts, and written in one way only.
    pub places: Vec<Vec<String>>,
    /// Whether sinks may share a place as long as no stream goes to both.
    pub is_by_stream: bool,
    /// The member that would have to differ.
    pub member: &'static str,
    /// What the second one does, up to the first one's name.
    pub what: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}
