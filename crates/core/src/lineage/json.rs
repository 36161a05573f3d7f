//! A JSON value as text in one form, so that equal values are equal texts.
//!
//! **Constraint.** Nothing is rounded: a number keeps its digits. Members stand sorted, of one that stands twice the
//! last counts, and there are no blanks between the parts.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::Write;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::selection::Number;

/// A value in its one form. Ordered as values are: null, false, true, numbers, texts, then lists and objects.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Json(Box<str>);

impl Json {
    /// Brings a value into its one form.
    pub fn of(raw: &RawValue) -> Self {
        let mut text = String::with_capacity(raw.get().len());
        write(raw, &mut text);
        Self(text.into())
    }

    /// A text's value.
    pub fn text(text: &str) -> Self {
        Self(quoted(text).into())
    }

    /// A whole number's value.
    pub fn number(number: u64) -> Self {
        Self(number.to_string().into())
    }

    /// What [`Json::as_str`] gave once.
    pub fn from_stored(text: &str) -> Self {
        Self(text.into())
    }

    /// The value as JSON.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the value says, where it is a text.
    pub fn as_text(&self) -> Option<Cow<'_, str>> {
        let inner = self.0.strip_prefix('"')?.strip_suffix('"')?;
        match inner.contains('\\') {
            false => Some(Cow::Borrowed(inner)),
            true => serde_json::from_str::<String>(&self.0).ok().map(Cow::Owned),
        }
    }

    /// Whether it is null, which counts as absent.
    pub fn is_null(&self) -> bool {
        &*self.0 == "null"
    }

    fn rank(&self) -> u8 {
        match self.0.as_bytes().first() {
            Some(b'n') => 0,
            Some(b'f') => 1,
            Some(b't') => 2,
            Some(b'"') => 4,
            Some(b'[') => 5,
            Some(b'{') => 6,
            _ => 3,
        }
    }
}

impl Ord for Json {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_value = || match self.rank() {
            3 => Number::parse(&self.0).cmp(&Number::parse(&other.0)),
            4 => self.as_text().cmp(&other.as_text()),
            _ => Ordering::Equal,
        };
        // Numbers may be equal and differ in their digits.
        self.rank().cmp(&other.rank()).then_with(by_value).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Json {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

fn write(raw: &RawValue, text: &mut String) {
    let json = raw.get();
    match json.as_bytes().first() {
        Some(b'{') => write_object(json, text),
        Some(b'[') => write_array(json, text),
        Some(b'"') if json.contains('\\') => match serde_json::from_str::<String>(json) {
            Ok(plain) => text.push_str(&quoted(&plain)),
            Err(_) => text.push_str(json),
        },
        _ => text.push_str(json),
    }
}

fn write_object(json: &str, text: &mut String) {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(json).unwrap_or_default();
    text.push('{');
    for (place, (name, value)) in members.into_iter().enumerate() {
        let comma = if place == 0 { "" } else { "," };
        // Writing into a text cannot fail.
        let _ = write!(text, "{comma}{}:", quoted(&name));
        write(value, text);
    }
    text.push('}');
}

fn write_array(json: &str, text: &mut String) {
    let elements: Vec<&RawValue> = serde_json::from_str(json).unwrap_or_default();
    text.push('[');
    for (place, element) in elements.into_iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        write(element, text);
    }
    text.push(']');
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        Json::of(serde_json::from_str(text).unwrap())
    }

    #[test]
    fn one_value_has_one_form_and_keeps_its_digits() {
        let form = json(" { \"b\" : [ 1.50 , {\"y\":1e400,\"x\":\"\\u00e9\\/\"} ], \"a\":null,\"a\":true } ");
        assert_eq!(form.as_str(), r#"{"a":true,"b":[1.50,{"x":"é/","y":1e400}]}"#);
        assert_eq!(json(form.as_str()), form);
        assert_eq!(serde_json::to_string(&form).unwrap(), form.as_str());
    }

    #[test]
    fn texts_are_read_and_other_values_are_none() {
        assert_eq!(json(r#""a\nb""#).as_text().as_deref(), Some("a\nb"));
        assert_eq!(Json::text("a\"b").as_text().as_deref(), Some("a\"b"));
        assert_eq!(json("1").as_text(), None);
    }

    #[test]
    fn values_are_ordered_as_values_not_as_digits() {
        let rising = ["null", "false", "true", "-1", "9", "9.0", "10", "1e3", "\"a\"", "\"b\"", "[]", "{}"];
        assert!(rising.map(json).is_sorted_by(|lesser, greater| lesser < greater));
    }
}
