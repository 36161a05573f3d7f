//! `[lineage]`: what became of files, as telemetry tells it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Settings;
use crate::config::duration;
use crate::config::key::Key;
use crate::config::problem::Report;

/// The name under which lineage stands among the sinks.
pub const LINEAGE_SINK: &str = "lineage";

/// Whether telemetry is worked into lineage, and when a trace counts as quiet.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct LineageSettings {
    /// Whether it is.
    pub enabled: bool,
    /// A trace that has not ended, and whose last record is older than this, is quiet.
    #[serde(with = "duration")]
    pub quiet_after: Duration,
}

impl Default for LineageSettings {
    fn default() -> Self {
        Self { enabled: true, quiet_after: Duration::from_secs(3600) }
    }
}

pub(super) fn check(settings: &Settings, report: &mut Report<'_>) {
    report.not_zero(&Key::of(["lineage", "quiet_after"]), settings.lineage.quiet_after.is_zero());
    if settings.sinks.contains_key(LINEAGE_SINK) {
        let remedy = "Give the sink another name; `lineage.enabled = false` turns lineage off.";
        report.wrong(&Key::of(["sinks", LINEAGE_SINK]), "has the name of lineage itself", remedy);
    }
}
