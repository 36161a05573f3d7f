//! Postgres's errors, by what to do about them: the SQLSTATE decides.

use tokio_postgres::Error;
use tokio_postgres::error::DbError;

use crate::Fault;
use crate::fault::distrust;

/// The error, by what to do about it.
pub fn judged(error: &Error) -> Fault {
    match error.as_db_error() {
        Some(said) => by_class(said.code().code(), words(said)),
        None => without_word(error),
    }
}

fn by_class(code: &str, text: String) -> Fault {
    match &code[..2] {
        "22" | "23" | "44" | "54" | "P0" => Fault::Refused(text),
        "42" | "28" | "3D" | "3F" | "0A" | "0L" | "0P" => Fault::Blocked(format!("{text}; {}", remedy(code))),
        _ => Fault::Away(text),
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
pub fn words(said: &DbError) -> String {
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
    if let Some(distrust) = distrust(error) {
        return Fault::Blocked(format!(
            "{distrust}; set tls.ca (or sslrootcert) to the authority that signed the server's certificate"
        ));
    }
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
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
    Fault::Away(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(code: &str) -> &'static str {
        match by_class(code, String::new()) {
            Fault::Away(_) => "away",
            Fault::Blocked(_) => "blocked",
            Fault::Refused(_) => "refused",
            Fault::Missing(_) | Fault::Moved(..) => "other",
        }
    }

    #[test]
    fn the_class_of_the_sqlstate_decides() {
        for code in ["08006", "57P01", "57014", "53100", "53300", "40001", "40P01", "55P03", "25006", "XX000"]
        {
            assert_eq!(class(code), "away", "{code}");
        }
        for code in ["22003", "22P05", "23502", "54000", "P0001"] {
            assert_eq!(class(code), "refused", "{code}");
        }
        for code in ["42501", "28P01", "3D000", "0A000"] {
            assert_eq!(class(code), "blocked", "{code}");
        }
    }
}
