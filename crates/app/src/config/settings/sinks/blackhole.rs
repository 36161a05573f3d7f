//! `type = "blackhole"`: for measuring everything but the store.

use serde::{Deserialize, Serialize};

use super::{BatchSettings, Beginning, FilterSettings, RetrySettings, StreamSelection};

/// Counts and discards.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BlackholeSettings {
    /// The streams it takes.
    pub streams: StreamSelection,
    /// Which of their events.
    #[serde(rename = "where", skip_serializing_if = "FilterSettings::is_empty")]
    pub filter: FilterSettings,
    /// Which it begins with.
    pub from: Beginning,
    /// How events are batched.
    pub batch: BatchSettings,
    /// How it is tried again.
    pub retry: RetrySettings,
}
