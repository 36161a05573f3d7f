//! What Postgres says, sorted by what the caller can do about it: the SQLSTATE decides.

use tokio_postgres::error::SqlState;
use weir_connect::postgres::judged;

pub(super) use crate::fault::Fault;

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        let told = judged(&error).to_string();
        match error.code().map_or("", SqlState::code) {
            "XX001" | "XX002" => {
                Self::Broken(format!("{told}; the database is damaged: restore it from a backup"))
            }
            // Rights can be given, and what was made at the same moment is found the next time.
            "42501" | "23505" => Self::Retry(told),
            code if code.starts_with("42") || code.starts_with("22") || code.starts_with("23") => {
                Self::Broken(format!(
                    "{told}; the tables are not as they were made: restore them from a backup"
                ))
            }
            _ => Self::Retry(told),
        }
    }
}

/// A server that is away, or that a person has to see to: it is asked again until it answers.
impl From<weir_connect::Fault> for Fault {
    fn from(fault: weir_connect::Fault) -> Self {
        Self::Retry(fault.to_string())
    }
}
