//! SQLite's errors, by what to do about them.

use rusqlite::{Error, ErrorCode};
use weir_core::sink::{Refusal, SinkError};

/// What keeps a whole transaction from being stored; told to every batch in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("{0}")]
    Retry(String),
    #[error("{0}")]
    Blocked(String),
}

impl Fault {
    /// The same, with what it happened to.
    pub fn at(self, place: &str) -> Self {
        match self {
            Self::Retry(text) => Self::Retry(format!("{place}: {text}")),
            Self::Blocked(text) => Self::Blocked(format!("{place}: {text}")),
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        use ErrorCode::{
            AuthorizationForStatementDenied, CannotOpen, DatabaseCorrupt, NotADatabase, PermissionDenied,
            ReadOnly, Unknown,
        };
        let remedy = match error.sqlite_error_code() {
            Some(ReadOnly | PermissionDenied | AuthorizationForStatementDenied) => {
                "give this user the right to write the file and its folder"
            }
            Some(CannotOpen) => {
                "see that the folder is there, that this user may write it, and that `path` is no folder"
            }
            Some(NotADatabase) => "the file is something else; set another `path`",
            Some(DatabaseCorrupt) => {
                "the file is damaged; move it away (a new one is made) and try `sqlite3 FILE .recover` on it"
            }
            Some(Unknown) => "the table is not what is expected; mend it, or set another `table`",
            _ => return Self::Retry(error.to_string()),
        };
        Self::Blocked(format!("{error}: {remedy}"))
    }
}

impl From<Fault> for SinkError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Retry(text) => Self::retry(anyhow::Error::msg(text)),
            Fault::Blocked(text) => Self::Blocked { cause: anyhow::Error::msg(text) },
        }
    }
}

/// Whether an insert failed for what is in the row, so that the rows beside it are not concerned.
pub(super) fn refusal(error: &Error) -> Option<Refusal> {
    let reason = match error.sqlite_error_code()? {
        ErrorCode::ConstraintViolation => "constraint_violation",
        ErrorCode::TooBig => "too_big",
        ErrorCode::TypeMismatch => "type_mismatch",
        _ => return None,
    };
    Some(Refusal { reason: reason.to_owned(), detail: error.to_string() })
}
