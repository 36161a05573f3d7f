//! What SQLite says, sorted by what the caller can do about it.

use anyhow::anyhow;
use rusqlite::ErrorCode;
use weir_core::catalog::CatalogError;

/// An error of which every caller of a group can be given a copy.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// It may pass: a full disk, a lock, a disk that does not answer.
    Retry(String),
    /// It will not pass: a contradiction, a damaged file, a newer version.
    Broken(String),
}

impl Fault {
    /// The request contradicts what is stored.
    pub(super) fn contradiction(what: impl Into<String>) -> Self {
        Self::Broken(what.into())
    }

    pub(super) fn message(&self) -> &str {
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

/// A value that cannot be written, or a row that makes no sense.
impl From<anyhow::Error> for Fault {
    fn from(error: anyhow::Error) -> Self {
        Self::Broken(format!("{error:#}"))
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Retry(format!("{error}; free some disk space")),
            Some(ErrorCode::ReadOnly) => Self::Retry(format!("{error}; make the file and its disk writable")),
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::OutOfMemory
                | ErrorCode::OperationInterrupted
                | ErrorCode::OperationAborted
                | ErrorCode::FileLockingProtocolFailed,
            ) => Self::Retry(error.to_string()),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Broken(format!("{error}; the file is damaged: restore it from a backup"))
            }
            _ => Self::Broken(error.to_string()),
        }
    }
}
