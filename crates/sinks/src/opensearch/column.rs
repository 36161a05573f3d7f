//! The types that a member of the document can have beside those that every document has, and what each holds.
//!
//! The store would take `"7"` for a `long` and cut fractions off; here a member holds its type.

use std::borrow::Cow;
use std::net::IpAddr;

use serde_json::{Value as Json, json};
use weir_core::selection::Value;

use super::document::write_text;
use super::template::{date, text};
use crate::columns::fit;

/// A type, by the name that the store has for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Keyword,
    Text,
    Boolean,
    Byte,
    Short,
    Integer,
    Long,
    Float,
    Double,
    Date,
    Ip,
}

const KINDS: [(&str, Kind); 11] = [
    ("keyword", Kind::Keyword),
    ("text", Kind::Text),
    ("boolean", Kind::Boolean),
    ("byte", Kind::Byte),
    ("short", Kind::Short),
    ("integer", Kind::Integer),
    ("long", Kind::Long),
    ("float", Kind::Float),
    ("double", Kind::Double),
    ("date", Kind::Date),
    ("ip", Kind::Ip),
];

impl Kind {
    /// Reads a type's name, in whatever case.
    pub fn parse(name: &str) -> Result<Self, String> {
        let known = KINDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        known.map(|(_, kind)| *kind).ok_or_else(|| {
            let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
            format!("OpenSearch has no type {name:?} here; there are {}", names.join(", "))
        })
    }

    /// How the store maps it.
    pub fn mapping(self) -> Json {
        match self {
            Self::Keyword => text(),
            Self::Date => date(),
            _ => json!({ "type": self.as_str() }),
        }
    }

    fn as_str(self) -> &'static str {
        KINDS.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    /// The value as JSON text; `None` where the member cannot hold it.
    pub fn json<'a>(self, value: &Value<'a>) -> Option<Cow<'a, str>> {
        match (self, value) {
            (_, Value::Null) => Some(Cow::Borrowed("null")),
            (Self::Keyword | Self::Text, _) => fit::text(value).map(|text| quoted(&text)),
            (Self::Boolean, Value::Bool(_)) => Some(value.json()),
            (Self::Byte, _) => whole::<i8>(value),
            (Self::Short, _) => whole::<i16>(value),
            (Self::Integer, _) => whole::<i32>(value),
            (Self::Long, _) => whole::<i64>(value),
            (Self::Float, _) => fit::double(value).filter(|double| fits_float(*double)).map(|_| value.json()),
            (Self::Double, _) => fit::double(value).map(|_| value.json()),
            (Self::Date, _) => fit::moment(value).map(|moment| quoted(&moment.to_string())),
            (Self::Ip, Value::Text(text)) => text.parse::<IpAddr>().ok().map(|ip| quoted(&ip.to_string())),
            (Self::Boolean | Self::Ip, _) => None,
        }
    }
}

fn whole<'a, I: TryFrom<i128> + ToString>(value: &Value<'_>) -> Option<Cow<'a, str>> {
    fit::integer::<I>(value).map(|number| Cow::Owned(number.to_string()))
}

fn fits_float(double: f64) -> bool {
    let float = double as f32;
    float.is_finite() && (float != 0.0 || double == 0.0)
}

fn quoted<'a>(text: &str) -> Cow<'a, str> {
    let mut json = Vec::with_capacity(text.len() + 2);
    write_text(&mut json, text);
    // What is written from text is text.
    Cow::Owned(String::from_utf8(json).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::value::RawValue;

    fn written(kind: Kind, json: &str) -> Option<String> {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        kind.json(&Value::of(raw).unwrap()).map(Cow::into_owned)
    }

    #[test]
    fn each_type_holds_its_own_and_nothing_else() {
        for (kind, json, expected) in [
            (Kind::Byte, "127", Some("127")),
            (Kind::Byte, "128", None),
            (Kind::Short, "-32768", Some("-32768")),
            (Kind::Integer, "7.0", Some("7")),
            (Kind::Integer, "7.5", None),
            (Kind::Long, "9223372036854775807", Some("9223372036854775807")),
            (Kind::Long, "9223372036854775808", None),
            (Kind::Long, "\"7\"", None),
            (Kind::Float, "1e38", Some("1e38")),
            (Kind::Float, "1e39", None),
            (Kind::Double, "1e39", Some("1e39")),
            (Kind::Double, "true", None),
            (Kind::Boolean, "true", Some("true")),
            (Kind::Boolean, "\"true\"", None),
            (Kind::Ip, "\"192.0.2.1\"", Some("\"192.0.2.1\"")),
            (Kind::Ip, "\"192.0.2.300\"", None),
            (Kind::Date, "\"2026-01-01T01:00:00+01:00\"", Some("\"2026-01-01T00:00:00.000000Z\"")),
            (Kind::Date, "1767225600000", Some("\"2026-01-01T00:00:00.000000Z\"")),
            (Kind::Date, "\"yesterday\"", None),
            (Kind::Keyword, "\"a\\n\"", Some("\"a\\n\"")),
            (Kind::Text, "{\"a\":\"b\"}", Some(r#""{\"a\":\"b\"}""#)),
            (Kind::Keyword, "1.00", Some("\"1.00\"")),
        ] {
            assert_eq!(written(kind, json).as_deref(), expected, "{kind:?} {json}");
        }
        for (_, kind) in KINDS {
            assert_eq!(written(kind, "null").as_deref(), Some("null"));
        }
    }
}
