//! The table's columns: what each is, what it is made as, and which other types of a table that is there will do.

use super::kind::Kind;
use crate::columns::Mapping;

/// Decides which of several rows of one event stays: the one that came in first has the greatest. Made by the server.
pub(super) const PRECEDENCE: &str = "precedence";

const TEXT: &str = "Nullable(String)";
const WORD: &str = "LowCardinality(Nullable(String))";
pub(super) const MOMENT: &str = "DateTime64(6, 'UTC')";
pub(super) const JSON: &str = "JSON";

/// The columns that every table has, in their order, with type and codec. Texts that repeat are kept once a part;
/// `param` and `extra`, nine tenths of the bytes, are worth the dearer compression.
const FIXED: [(&str, &str, &str); 18] = [
    ("event_id", "UUID", ""),
    ("stream", "LowCardinality(String)", ""),
    ("log_id", TEXT, "ZSTD(1)"),
    ("page", TEXT, "ZSTD(1)"),
    ("event", WORD, ""),
    ("label", TEXT, "ZSTD(1)"),
    ("target", TEXT, "ZSTD(1)"),
    ("section", WORD, ""),
    ("param", TEXT, "ZSTD(3)"),
    ("user_id", TEXT, "ZSTD(1)"),
    ("device_uuid", TEXT, "ZSTD(1)"),
    ("app_version", WORD, ""),
    ("os_version", WORD, ""),
    ("user_agent", WORD, ""),
    ("client_ip", TEXT, "ZSTD(1)"),
    ("occurred_at", MOMENT, "Delta(8), ZSTD(1)"),
    ("received_at", MOMENT, "Delta(8), ZSTD(1)"),
    ("extra", TEXT, "ZSTD(3)"),
];

/// A column that is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub name: String,
    /// As the table has it.
    pub type_name: String,
    codec: &'static str,
}

impl Place {
    /// As it stands in `CREATE TABLE` and `ALTER TABLE`.
    pub fn declaration(&self) -> String {
        let codec = if self.codec.is_empty() { String::new() } else { format!(" CODEC({})", self.codec) };
        format!("`{}` {}{codec}", self.name, self.type_name)
    }

    /// Whether a column of this type holds the same values, written in the same bytes.
    pub fn takes(&self, found: &str) -> bool {
        on_the_wire(&self.type_name) == on_the_wire(found)
    }
}

/// Every column that is written, in the order in which it is.
pub(super) fn places(mapping: &Mapping<Kind>, is_json: bool) -> Vec<Place> {
    let fixed = FIXED.iter().map(|(name, type_name, codec)| {
        let type_name = if is_json && matches!(*name, "param" | "extra") { JSON } else { type_name };
        Place { name: (*name).to_owned(), type_name: type_name.to_owned(), codec }
    });
    let mapped = mapping.columns().iter().map(|column| Place {
        name: column.name.clone(),
        type_name: column.kind.type_name(),
        codec: "ZSTD(1)",
    });
    fixed.chain(mapped).collect()
}

/// The type without what does not change its bytes: the dictionary around it, and the time zone it is shown in.
fn on_the_wire(type_name: &str) -> String {
    let inner = type_name.strip_prefix("LowCardinality(").and_then(|rest| rest.strip_suffix(')'));
    let plain = inner.unwrap_or(type_name);
    let zone = plain.split_once('\'').and_then(|(before, rest)| Some((before, rest.rsplit_once('\'')?.1)));
    match zone {
        Some((before, after)) if before.contains("DateTime64(") => {
            format!("{}{after}", before.trim_end_matches([',', ' ']))
        }
        Some((before, after)) if before.ends_with("DateTime(") => {
            format!("{}{}", before.trim_end_matches('('), after.replacen(')', "", 1))
        }
        _ => plain.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_core::event::COLUMNS;

    #[test]
    fn the_columns_are_those_of_every_table() {
        assert_eq!(FIXED.map(|(name, ..)| name), COLUMNS);
    }

    #[test]
    fn a_type_will_do_that_has_the_same_bytes() {
        let takes = |own: &str, found: &str| {
            Place { name: "x".to_owned(), type_name: own.to_owned(), codec: "" }.takes(found)
        };
        for (own, found) in [
            (TEXT, "LowCardinality(Nullable(String))"),
            (MOMENT, "DateTime64(6)"),
            (MOMENT, "DateTime64(6, 'Europe/Berlin')"),
            ("Nullable(DateTime('UTC'))", "Nullable(DateTime)"),
            ("Nullable(DateTime64(3, 'UTC'))", "Nullable(DateTime64(3))"),
        ] {
            assert!(takes(own, found), "{own} {found}");
        }
        for (own, found) in
            [(TEXT, "String"), (MOMENT, "DateTime64(3, 'UTC')"), (MOMENT, "DateTime('UTC')"), (TEXT, JSON)]
        {
            assert!(!takes(own, found), "{own} {found}");
        }
    }
}
