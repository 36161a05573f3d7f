//! The types that a column of one's own can have, and what each holds.
//!
//! SQLite itself would take any value in any column, and change some on the way; here a column holds its type.

use rusqlite::types::Value as Cell;
use weir_core::selection::Value;

use crate::columns::fit;

/// A type, by the name that SQLite has for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Integer,
    Real,
    Text,
    Json,
}

impl Kind {
    /// Reads a type's name, in whatever case.
    pub fn parse(name: &str) -> Result<Self, String> {
        match name.to_ascii_uppercase().as_str() {
            "INTEGER" => Ok(Self::Integer),
            "REAL" => Ok(Self::Real),
            "TEXT" => Ok(Self::Text),
            "JSON" => Ok(Self::Json),
            _ => Err(format!("SQLite has no type {name:?} here; there are INTEGER, REAL, TEXT and JSON")),
        }
    }

    /// What the column is declared as. One declared as JSON would turn the text `1.0` into the number 1.
    pub fn declaration(self) -> &'static str {
        match self {
            Self::Integer => "INTEGER",
            Self::Real => "REAL",
            Self::Text | Self::Json => "TEXT",
        }
    }

    /// The value as the column holds it; `None` where it cannot. True and false are 1 and 0, as SQLite has them.
    pub fn cell(self, value: &Value<'_>) -> Option<Cell> {
        match (self, value) {
            (_, Value::Null) => Some(Cell::Null),
            (Self::Integer, Value::Bool(flag)) => Some(Cell::Integer(i64::from(*flag))),
            (Self::Integer, _) => fit::integer(value).map(Cell::Integer),
            (Self::Real, _) => fit::double(value).map(Cell::Real),
            (Self::Text, _) => fit::text(value).map(|text| Cell::Text(text.into_owned())),
            (Self::Json, _) => fit::json(value).map(|json| Cell::Text(json.into_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::value::RawValue;

    fn cell(kind: Kind, json: &str) -> Option<Cell> {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        kind.cell(&Value::of(raw).unwrap())
    }

    #[test]
    fn an_integer_holds_whole_numbers_of_64_bits_and_nothing_else() {
        for (json, number) in [
            ("7", 7),
            ("7.0", 7),
            ("-7e2", -700),
            ("true", 1),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(cell(Kind::Integer, json), Some(Cell::Integer(number)), "{json}");
        }
        for json in ["1.5", "9223372036854775808", "-9223372036854775809", "\"7\"", "[7]", "{}"] {
            assert_eq!(cell(Kind::Integer, json), None, "{json}");
        }
    }

    #[test]
    fn a_real_holds_numbers_that_a_double_can_stand_for() {
        assert_eq!(cell(Kind::Real, "1"), Some(Cell::Real(1.0)));
        assert_eq!(cell(Kind::Real, "0.1"), Some(Cell::Real(0.1)));
        for json in ["1e400", "1e-400", "true", "\"1.0\"", "[]"] {
            assert_eq!(cell(Kind::Real, json), None, "{json}");
        }
    }

    #[test]
    fn text_and_json_hold_everything_each_in_its_way() {
        let text = |text: &str| Some(Cell::Text(text.to_owned()));
        assert_eq!(cell(Kind::Text, "\"a\\n\""), text("a\n"));
        assert_eq!(cell(Kind::Json, "\"a\\n\""), text("\"a\\n\""));
        for json in ["1.00", "true", "{\"a\": [1]}"] {
            assert_eq!(cell(Kind::Text, json), text(json));
            assert_eq!(cell(Kind::Json, json), text(json));
        }
    }

    #[test]
    fn every_column_holds_nothing_as_null() {
        for kind in [Kind::Integer, Kind::Real, Kind::Text, Kind::Json] {
            assert_eq!(cell(kind, "null"), Some(Cell::Null));
        }
    }
}
