//! A value as the client wrote it.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Number;

/// What stands at a place in an event. Nothing of it is rounded or cut.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Absent, or null: the two are not told apart.
    Null,
    /// True or false.
    Bool(bool),
    /// A number, with its digits.
    Number(Number<'a>),
    /// A string's content.
    Text(Cow<'a, str>),
    /// The JSON text of an object or an array, as it came.
    Json(&'a str),
}

impl<'a> Value<'a> {
    /// The value that this JSON text stands for.
    pub fn of(raw: &'a RawValue) -> serde_json::Result<Self> {
        let text = raw.get();
        Ok(match text.as_bytes().first() {
            Some(b'n') => Self::Null,
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'"') => Self::Text(serde_json::from_str::<Text<'_>>(text)?.0),
            Some(b'{' | b'[') => Self::Json(text),
            _ => Self::Number(Number::of(text)),
        })
    }

    /// The value as JSON text.
    pub fn json(&self) -> Cow<'a, str> {
        match self {
            Self::Null => Cow::Borrowed("null"),
            Self::Bool(true) => Cow::Borrowed("true"),
            Self::Bool(false) => Cow::Borrowed("false"),
            Self::Number(number) => Cow::Borrowed(number.text()),
            Self::Text(text) => Cow::Owned(serde_json::Value::from(text.as_ref()).to_string()),
            Self::Json(json) => Cow::Borrowed(json),
        }
    }
}

/// A string, borrowed wherever it holds no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
