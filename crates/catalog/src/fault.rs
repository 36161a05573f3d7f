//! What a database says, sorted by what the caller can do about it.

use anyhow::anyhow;
use weir_core::catalog::CatalogError;
use weir_core::lineage::LineageError;

use crate::lineage::Damaged;

/// An error of which every caller of a group can be given a copy.
#[derive(Clone, Debug)]
pub enum Fault {
    /// It may pass: a full disk, a lock, a server or a disk that does not answer.
    Retry(String),
    /// It will not pass: a contradiction, something damaged, a newer version.
    Broken(String),
}

impl Fault {
    /// The request contradicts what is stored.
    pub fn contradiction(what: impl Into<String>) -> Self {
        Self::Broken(what.into())
    }

    /// The text.
    pub fn message(&self) -> &str {
        match self {
            Self::Retry(message) | Self::Broken(message) => message,
        }
    }
}

impl From<Fault> for CatalogError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Retry(message) => Self::Retry(anyhow!(message)),
            Fault::Broken(message) => Self::Broken(anyhow!(message)),
        }
    }
}

impl From<Fault> for LineageError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Retry(message) => Self::Retry(anyhow!(message)),
            Fault::Broken(message) => Self::Broken(anyhow!(message)),
        }
    }
}

impl From<Damaged> for Fault {
    fn from(damaged: Damaged) -> Self {
        Self::Broken(format!("{damaged}: restore it from a backup"))
    }
}

/// A value that cannot be written, or a row that makes no sense.
impl From<anyhow::Error> for Fault {
    fn from(error: anyhow::Error) -> Self {
        Self::Broken(format!("{error:#}"))
    }
}
