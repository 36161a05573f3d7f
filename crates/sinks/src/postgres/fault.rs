//! Postgres's errors, by what a delivery does about them: the SQLSTATE decides.

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;
use weir_connect::postgres::words;
use weir_core::sink::{Refusal, SinkError};

/// What keeps a batch from being stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The same again will do, later.
    Retry(String),
    /// The tables are not what they were taken for; they are looked at again before the next attempt.
    Changed(String),
    /// A person has to mend something.
    Blocked(String),
    /// Something in the batch.
    Refused(Refusal),
    /// An event is there already that was not to be seen before; another way is taken.
    Met(String),
}

impl Fault {
    /// The same, with where it happened; what is in the batch is the same everywhere.
    pub fn at(self, place: &str) -> SinkError {
        match self {
            Self::Retry(text) | Self::Changed(text) | Self::Met(text) => {
                SinkError::retry(anyhow::anyhow!("{place}: {text}"))
            }
            Self::Blocked(text) => SinkError::Blocked { cause: anyhow::anyhow!("{place}: {text}") },
            Self::Refused(refusal) => SinkError::Refused(refusal),
        }
    }

    /// Whether the tables should be looked at before they are used again.
    pub fn calls_for_a_look(&self) -> bool {
        matches!(self, Self::Changed(_) | Self::Blocked(_))
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let Some(said) = error.as_db_error() else {
            return of_server(weir_connect::postgres::judged(&error), "");
        };
        let (code, text) = (said.code().code(), || words(said));
        match code {
            "23505" => Self::Met(text()),
            // No partition for the row is told as a check, though nobody has made one.
            "42P01" | "42703" | "42P10" | "3F000" => Self::Changed(text()),
            "23514" if said.constraint().is_none() => Self::Changed(text()),
            // The form that we gave a column is not its own any more: nothing is wrong with the event.
            "22P03" | "22P04" | "08P01" => Self::Changed(text()),
            _ => of_server(weir_connect::postgres::judged(&error), code),
        }
    }
}

impl From<weir_connect::Fault> for Fault {
    fn from(fault: weir_connect::Fault) -> Self {
        of_server(fault, "")
    }
}

fn of_server(fault: weir_connect::Fault, code: &str) -> Fault {
    match fault {
        weir_connect::Fault::Blocked(text) => Fault::Blocked(text),
        weir_connect::Fault::Refused(detail) => Fault::Refused(Refusal { reason: code.to_owned(), detail }),
        other => Fault::Retry(other.to_string()),
    }
}

/// Whether the server said this.
pub(super) fn is(error: &Error, code: &SqlState) -> bool {
    error.code() == Some(code)
}
