//! What ClickHouse's error codes mean for a batch.
//!
//! **Constraint.** What is not known to be the fault of the rows, or of a person, is tried again: so nothing is lost.

use anyhow::anyhow;
use weir_core::sink::{Refusal, SinkError};

use crate::client::{Reply, clipped};

const CODE_HEADER: &str = "x-clickhouse-exception-code";

/// An error of the server's.
#[derive(Debug)]
pub(super) struct Fault {
    pub meaning: Meaning,
    /// `too_many_parts`.
    name: String,
    words: String,
    retry_after: Option<std::time::Duration>,
}

/// What is to be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The server is busy, away or not well: come again.
    Busy,
    /// Rows cannot be read; or the table is no longer what it was when it was last looked at.
    Rows,
    /// The table, or a column of it, is not there.
    Table,
    /// Somebody has to do this.
    Person(&'static str),
}

impl Meaning {
    fn of(code: u32) -> Self {
        match code {
            6 | 26 | 27 | 32 | 33 | 38 | 41 | 53 | 69 | 70 | 72 | 117 | 130 | 131 | 321 | 349 | 376 | 407
            | 441 | 467 | 469 | 675 | 676 | 677 => Self::Rows,
            8 | 10 | 16 | 47 | 60 => Self::Table,
            81 => Self::Person("make the database, with CREATE DATABASE, or set another `database`"),
            192 | 193 | 194 | 516 => Self::Person("see to `user` and `password`"),
            164 | 497 => Self::Person(
                "grant the user INSERT on the table, and CREATE TABLE where Weir is to make it; \
                 its settings may not be read-only",
            ),
            115 | 452 => {
                Self::Person("let the user change the settings of its inserts, on a server of 23.8 or later")
            }
            170 | 701 => Self::Person("see to `cluster`: the server knows none of this name"),
            36 | 43 | 44 | 48 | 50 | 56 | 62 | 79 | 80 | 344 => Self::Person(
                "a server of ClickHouse 23.8 or later is expected; see to the table and the settings",
            ),
            _ => Self::Busy,
        }
    }
}

impl Fault {
    /// What an answer tells that is no success; none for one that is.
    pub fn of(reply: &Reply) -> Option<Self> {
        let text = String::from_utf8_lossy(&reply.body);
        let header = reply.headers.get(CODE_HEADER).and_then(|code| code.to_str().ok()?.parse().ok());
        let status = reply.status.as_u16();
        let code = header.or_else(|| if status == 200 { None } else { code_in(&text) });
        if code.is_none() && status == 200 {
            return None;
        }
        let meaning = match code {
            Some(code) => Meaning::of(code),
            None if matches!(status, 408 | 429 | 500..) => Meaning::Busy,
            None => Meaning::Person("this is not what ClickHouse answers; see whether the address is right"),
        };
        let name = code.map_or_else(|| format!("status_{status}"), |code| name_in(&text, code));
        let words = if text.trim().is_empty() { format!("status {status}") } else { clipped(text.trim()) };
        Some(Self { meaning, name, words, retry_after: reply.retry_after() })
    }

    /// For a whole batch.
    pub fn at(self, address: &str) -> SinkError {
        let Self { meaning, name, words, retry_after } = self;
        match meaning {
            Meaning::Busy => SinkError::Retry { cause: anyhow!("{address}: {words}"), after: retry_after },
            Meaning::Rows => SinkError::Refused(Refusal { reason: name, detail: words }),
            Meaning::Table => SinkError::Blocked {
                cause: anyhow!(
                    "{address}: {words}; see to the table, `weir sinks check` tells what it lacks"
                ),
            },
            Meaning::Person(remedy) => SinkError::Blocked { cause: anyhow!("{address}: {words}; {remedy}") },
        }
    }
}

/// `Code: 60. DB::Exception: …`
fn code_in(text: &str) -> Option<u32> {
    let rest = text.trim_start().strip_prefix("Code: ")?;
    rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

/// `… (UNKNOWN_TABLE) (version 26.9…)`
fn name_in(text: &str, code: u32) -> String {
    let end = text.rfind(" (version").unwrap_or(text.len());
    let in_brackets = text[..end].trim_end().strip_suffix(')').and_then(|text| text.rsplit_once('('));
    let is_name = |name: &&str| {
        name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    };
    match in_brackets.map(|(_, name)| name).filter(is_name) {
        Some(name) => name.to_ascii_lowercase(),
        None => format!("code_{code}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(status: u16, code: Option<&'static str>, text: &'static str) -> Option<Fault> {
        let mut headers = reqwest::header::HeaderMap::new();
        if let Some(code) = code {
            headers.insert(CODE_HEADER, code.parse().unwrap());
        }
        let status = reqwest::StatusCode::from_u16(status).unwrap();
        Fault::of(&Reply { status, headers, body: text.into() })
    }

    #[test]
    fn the_code_counts_and_not_the_status() {
        let text = "Code: 252. DB::Exception: Too many parts (300). (TOO_MANY_PARTS) (version 23.8.1)\n";
        for (status, code) in [(500, Some("252")), (500, None), (200, Some("252")), (404, None)] {
            let fault = fault(status, code, text).unwrap();
            assert_eq!(
                (fault.meaning, fault.name.as_str()),
                (Meaning::Busy, "too_many_parts"),
                "{status} {code:?}"
            );
        }
        assert!(fault(200, None, "Code: 252. is what a row says").is_none());
    }

    #[test]
    fn each_code_has_its_kind_and_what_is_not_known_is_tried_again() {
        for (codes, word) in [
            (
                &[
                    "241", "159", "209", "210", "160", "202", "203", "999", "225", "242", "236", "394",
                    "12345",
                ][..],
                "Busy",
            ),
            (
                &["26", "27", "38", "41", "53", "69", "70", "72", "117", "131", "321", "349", "376", "441"],
                "Rows",
            ),
            (&["16", "60", "47"], "Table"),
            (&["81", "192", "193", "194", "497", "516", "164"], "Person"),
        ] {
            for code in codes {
                let fault = fault(500, Some(code), "Code: 1. DB::Exception: x").unwrap();
                assert!(format!("{:?}", fault.meaning).starts_with(word), "{code}");
            }
        }
    }

    #[test]
    fn without_a_code_the_status_tells_whether_it_is_trouble_or_another_server() {
        for (status, expected) in
            [(502, true), (429, true), (408, true), (404, false), (301, false), (204, false)]
        {
            let fault = fault(status, None, "<html>").unwrap();
            assert_eq!(fault.meaning == Meaning::Busy, expected, "{status}");
        }
    }

    #[test]
    fn a_refusal_is_named_as_the_server_names_it() {
        let text = "Code: 117. DB::Exception: Cannot read (a) JSON. (INCORRECT_DATA) (version 26.9.2.1 (official build))";
        let SinkError::Refused(refusal) = fault(400, None, text).unwrap().at("http://h") else { panic!() };
        assert_eq!(refusal.reason, "incorrect_data");
        assert!(refusal.detail.contains("Cannot read (a) JSON"));
    }
}
