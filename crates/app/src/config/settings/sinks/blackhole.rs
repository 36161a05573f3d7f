//! `type = "blackhole"`: for measuring everything but the store.

use serde::{Deserialize, Serialize};

use super::{BatchSettings, RetrySettings, StreamSelection};

/// Counts and discards.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BlackholeSettings {
    /// The streams it takes.
    pub streams: StreamSelection,
    /// How events are batched.
    pub batch: BatchSettings,
    /// How it is tried again.
    pub retry: RetrySettings,
}
