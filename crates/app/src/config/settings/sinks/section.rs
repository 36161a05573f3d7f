//! One section `[sinks.NAME]`: what every sink has, and among it what only its type has.
//!
//! **Constraint.** Both stand in one section, and it is read and shown as one.

use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{BatchSettings, Beginning, FilterSettings, RetrySettings, SinkType, StreamSelection};
use crate::config::settings::Roles;

/// A sink. What only its type has reads as if it were the sink's own: `sink.path`.
#[derive(Clone, Debug)]
pub struct SinkOf<T: ?Sized> {
    /// The streams it takes.
    pub streams: StreamSelection,
    /// Which of their events: `where`.
    pub filter: FilterSettings,
    /// Which it begins with.
    pub from: Beginning,
    /// Which processes bring it its events; what its type means for it where that is not said.
    pub roles: Roles,
    /// How its events are batched.
    pub batch: BatchSettings,
    /// How it is tried again.
    pub retry: RetrySettings,
    /// What only its type has; the last, so that the type may be left open.
    pub own: T,
}

impl<T: ?Sized> Deref for SinkOf<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.own
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for SinkOf<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// In the order in which errors name the members.
        #[derive(Deserialize)]
        struct Read<T> {
            #[serde(default)]
            streams: StreamSelection,
            #[serde(default, rename = "where")]
            filter: FilterSettings,
            #[serde(default)]
            from: Beginning,
            #[serde(default)]
            roles: Roles,
            // The name of `config::read::REST`: the members that are none of the others.
            #[serde(rename = "..")]
            own: T,
            #[serde(default)]
            batch: BatchSettings,
            #[serde(default)]
            retry: RetrySettings,
        }
        let Read { streams, filter, from, roles, own, batch, retry } = Read::deserialize(deserializer)?;
        Ok(Self { streams, filter, from, roles, batch, retry, own })
    }
}

impl<T: SinkType + Serialize> Serialize for SinkOf<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// In the order in which they are shown.
        #[derive(Serialize)]
        struct Shown<'a, T> {
            r#type: &'static str,
            streams: &'a StreamSelection,
            #[serde(rename = "where", skip_serializing_if = "FilterSettings::is_empty")]
            filter: &'a FilterSettings,
            from: Beginning,
            roles: &'a Roles,
            #[serde(flatten)]
            own: &'a T,
            batch: &'a BatchSettings,
            retry: &'a RetrySettings,
        }
        let Self { streams, filter, from, roles, batch, retry, own } = self;
        Shown { r#type: T::facts().name, streams, filter, from: *from, roles, own, batch, retry }
            .serialize(serializer)
    }
}
