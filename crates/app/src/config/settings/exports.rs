//! `[exports]`: what is made to be taken away.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Settings;
use crate::config::key::Key;
use crate::config::problem::Report;
use crate::config::{duration, size};

/// How much exports may take up, and for how long.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct ExportsSettings {
    /// Bytes of all of them.
    #[serde(with = "size")]
    pub max_bytes: u64,
    /// Bytes that stay free on the disk: before them, no part is made.
    #[serde(with = "size")]
    pub free_min_bytes: u64,
    /// How long one is kept that nobody asks for.
    #[serde(with = "duration")]
    pub keep: Duration,
}

impl Default for ExportsSettings {
    fn default() -> Self {
        Self { max_bytes: 16 << 30, free_min_bytes: 256 << 20, keep: Duration::from_secs(24 * 3600) }
    }
}

impl Settings {
    /// Where exports lie.
    pub fn exports_dir(&self) -> PathBuf {
        self.data_dir.join("exports")
    }
}

impl ExportsSettings {
    pub(super) fn check(&self, report: &mut Report<'_>) {
        report.not_zero(&Key::of(["exports", "max_bytes"]), self.max_bytes == 0);
        report.not_zero(&Key::of(["exports", "keep"]), self.keep.is_zero());
    }
}
