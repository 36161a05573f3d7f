//! `from`: what a sink begins with when it is added.

use serde::{Deserialize, Serialize};

/// Where a sink begins that was not there before. One that was goes on where it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Beginning {
    /// With what is accepted from then on.
    #[default]
    Now,
    /// With the oldest that the log keeps.
    Oldest,
}
