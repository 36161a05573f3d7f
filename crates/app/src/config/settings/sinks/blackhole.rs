//! `type = "blackhole"`: for measuring everything but the store.

use serde::{Deserialize, Serialize};

use super::{BatchSettings, Claim, Side, SinkType, TypeFacts};
use crate::config::key::Key;
use crate::config::problem::Report;

/// Counts and discards.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BlackholeSettings {}

impl SinkType for BlackholeSettings {
    fn facts() -> TypeFacts {
        TypeFacts { name: "blackhole", side: Side::Store, batch: BatchSettings::default() }
    }

    fn check(&self, _key: &Key, _report: &mut Report<'_>) {}

    fn claim(&self) -> Option<Claim> {
        None
    }
}
