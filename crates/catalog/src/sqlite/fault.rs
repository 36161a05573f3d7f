//! What SQLite says, sorted by what the caller can do about it.

use rusqlite::ErrorCode;

pub(super) use crate::fault::Fault;

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
