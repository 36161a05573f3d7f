//! Postgres's errors, by what to do about them: the SQLSTATE decides.

use std::error::Error as _;

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};
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
        match error.as_db_error() {
            Some(said) => judge(said),
            None => without_word(&error),
        }
    }
}

fn judge(said: &DbError) -> Fault {
    let code = said.code().code();
    let text = words(said);
    match code {
        "23505" => Fault::Met(text),
        // No partition for the row is told as a check, though nobody has made one.
        "42P01" | "42703" | "42P10" | "3F000" => Fault::Changed(text),
        "23514" if said.constraint().is_none() => Fault::Changed(text),
        // The form that we gave a column is not its own any more: nothing is wrong with the event.
        "22P03" | "22P04" | "08P01" => Fault::Changed(text),
        _ => by_class(code, text),
    }
}

fn by_class(code: &str, text: String) -> Fault {
    match &code[..2] {
        "22" | "23" | "44" | "54" | "P0" => Fault::Refused(Refusal { reason: code.to_owned(), detail: text }),
        "42" | "28" | "3D" | "3F" | "0A" | "0L" | "0P" => Fault::Blocked(format!("{text}; {}", remedy(code))),
        _ => Fault::Retry(text),
    }
}

fn remedy(code: &str) -> &'static str {
    match code {
        "42501" => "give the user of `url` the right: it owns the table, or may SELECT, INSERT and UPDATE",
        "28P01" | "28000" => "see to user and password in `url`, and to the server's pg_hba.conf",
        "3D000" => "make the database, or name another in `url`",
        _ => "mend it there; Weir goes on by itself then",
    }
}

/// What the server says, with its code and its advice.
pub(super) fn words(said: &DbError) -> String {
    let mut text = format!("{} ({})", said.message(), said.code().code());
    for (name, more) in [("", said.detail()), ("hint: ", said.hint())] {
        if let Some(more) = more {
            text.push_str(&format!("; {name}{more}"));
        }
    }
    text
}

/// The error of one that is away, or that we cannot talk to.
fn without_word(error: &Error) -> Fault {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(distrust @ rustls::Error::InvalidCertificate(_)) = find_rustls(cause) {
            return Fault::Blocked(format!(
                "{distrust}; set tls.ca (or sslrootcert) to the authority that signed the server's certificate"
            ));
        }
        let more = cause.to_string();
        if !text.contains(&more) {
            text.push_str(&format!(": {more}"));
        }
        source = cause.source();
    }
    // The driver has no other way to tell these two.
    if text.contains("server does not support TLS") {
        return Fault::Blocked(format!("{text}; switch ssl on there, or set sslmode=disable in `url`"));
    }
    if text.contains("password missing") {
        return Fault::Blocked("the server asks for a password; set it in `url` or as `password`".to_owned());
    }
    Fault::Retry(text)
}

/// I/O errors hide what they are made of.
fn find_rustls<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e rustls::Error> {
    error.downcast_ref().or_else(|| error.downcast_ref::<std::io::Error>()?.get_ref()?.downcast_ref())
}

/// Whether the server said this.
pub(super) fn is(error: &Error, code: &SqlState) -> bool {
    error.code() == Some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(code: &str) -> &'static str {
        match by_class(code, String::new()) {
            Fault::Retry(_) => "retry",
            Fault::Blocked(_) => "blocked",
            Fault::Refused(_) => "refused",
            Fault::Changed(_) | Fault::Met(_) => "other",
        }
    }

    #[test]
    fn the_class_of_the_sqlstate_decides() {
        for code in ["08006", "57P01", "57014", "53100", "53300", "40001", "40P01", "55P03", "25006", "XX000"]
        {
            assert_eq!(class(code), "retry", "{code}");
        }
        for code in ["22003", "22P05", "23502", "54000", "P0001"] {
            assert_eq!(class(code), "refused", "{code}");
        }
        for code in ["42501", "28P01", "3D000", "0A000"] {
            assert_eq!(class(code), "blocked", "{code}");
        }
    }
}
