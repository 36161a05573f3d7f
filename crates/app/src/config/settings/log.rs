//! `[log]`: the event log on disk.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::key::Key;
use crate::config::problem::Report;
use crate::config::{duration, size};

const SEGMENT_MIN_BYTES: u64 = 1 << 20;

/// How durable the log is and how much it may hold.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct LogSettings {
    /// When an event counts as written.
    pub durability: Durability,
    /// The most the log may take of the disk; beyond it requests are answered with 503.
    #[serde(with = "size")]
    pub max_bytes: u64,
    /// What the log leaves free on the disk; below it requests are answered with 503.
    #[serde(with = "size")]
    pub free_min_bytes: u64,
    /// How long events are kept after every sink has them.
    #[serde(with = "duration")]
    pub retention: Duration,
    /// How much is kept of events that every sink has, at most.
    #[serde(with = "size::optional")]
    pub retention_max_bytes: Option<u64>,
    /// The size of one file of the log.
    #[serde(with = "size")]
    pub segment_bytes: u64,
}

/// When an event counts as written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// Once the disk has said so.
    #[default]
    Fsync,
    /// Once the operating system has it: faster, but a power failure takes the last seconds' events.
    Os,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            durability: Durability::Fsync,
            max_bytes: 64 << 30,
            free_min_bytes: 256 << 20,
            retention: Duration::from_secs(3600),
            retention_max_bytes: None,
            segment_bytes: 64 << 20,
        }
    }
}

impl LogSettings {
    pub(super) fn check(&self, report: &mut Report<'_>) {
        let key = |name: &str| Key::of(["log", name]);
        report.not_zero(&key("max_bytes"), self.max_bytes == 0);
        if self.segment_bytes < SEGMENT_MIN_BYTES || self.segment_bytes > 1 << 32 {
            report.wrong(&key("segment_bytes"), "is not between 1MiB and 4GiB", "64MiB serves well.");
        } else if self.max_bytes < self.segment_bytes.saturating_mul(2) && self.max_bytes > 0 {
            let remedy =
                "Raise it, or lower log.segment_bytes: one file is written while another is delivered.";
            report.wrong(&key("max_bytes"), "is less than two files of `log.segment_bytes`", remedy);
        }
        if self.durability == Durability::Os {
            report.warn(&key("durability"), "is \"os\": a power failure loses events that were acknowledged");
        }
    }
}
