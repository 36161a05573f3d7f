//! A JSON text as a tree that keeps what a reader must judge: members that stand twice, their order, integers as such.
//!
//! **Constraint.** The tree's size is bounded by [`VALUES_MAX`], whatever the text is.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::formats::Malformed;
use crate::formats::json::malformed;

/// The most values in one text: objects, arrays and all that is in them.
pub const VALUES_MAX: usize = 100_000;

/// A value.
#[derive(Debug, PartialEq)]
pub(super) enum Json<'a> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'a, str>),
    List(Vec<Json<'a>>),
    Object(Vec<Member<'a>>),
}

pub(super) type Member<'a> = (Cow<'a, str>, Json<'a>);

/// A number: whole where it was written so and 64 bits hold it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Unsigned(u64),
    Negative(i64),
    Float(f64),
}

impl<'a> Json<'a> {
    pub fn parse(text: &'a str) -> Result<Self, Malformed> {
        let mut json = serde_json::Deserializer::from_str(text);
        let mut left = VALUES_MAX;
        let value = Reading(&mut left).deserialize(&mut json).map_err(|error| malformed(&error))?;
        json.end().map_err(|error| malformed(&error))?;
        Ok(value)
    }

    /// What kind of value it is, for people.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

/// Reads a value while there is room for it.
struct Reading<'r>(&'r mut usize);

impl<'de> DeserializeSeed<'de> for Reading<'_> {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Json<'de>, D::Error> {
        let more = || D::Error::custom(format_args!("more than {VALUES_MAX} values; send smaller events"));
        *self.0 = self.0.checked_sub(1).ok_or_else(more)?;
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reading<'_> {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Json<'de>, E> {
        Ok(Json::Number(Number::Unsigned(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Json<'de>, E> {
        Ok(Json::Number(Number::Negative(value)))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Json<'de>, E> {
        Ok(Json::Number(Number::Float(value)))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json<'de>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Reading(self.0))? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json<'de>, A::Error> {
        #[derive(serde::Deserialize)]
        struct Name<'a>(#[serde(borrow)] Cow<'a, str>);
        let mut object = Vec::new();
        while let Some(Name(name)) = members.next_key()? {
            object.push((name, members.next_value_seed(Reading(self.0))?));
        }
        Ok(Json::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_their_order_and_what_stands_twice() {
        let json = Json::parse(r#"{"b":1,"a":null,"b":[true,-2,1.5,"x\n"]}"#).unwrap();
        let number = Json::Number;
        let list = Json::List(vec![
            Json::Bool(true),
            number(Number::Negative(-2)),
            number(Number::Float(1.5)),
            Json::Text("x\n".into()),
        ]);
        let members = [("b", number(Number::Unsigned(1))), ("a", Json::Null), ("b", list)];
        assert_eq!(json, Json::Object(members.map(|(name, value)| (name.into(), value)).into()));
    }

    #[test]
    fn a_text_of_too_many_values_is_refused_at_the_limit() {
        let list = |count: usize| format!("[{}0]", "0,".repeat(count - 1));
        assert!(Json::parse(&list(VALUES_MAX - 1)).is_ok());
        let error = Json::parse(&list(VALUES_MAX)).unwrap_err();
        assert!(error.detail.contains("values"), "{error}");
    }

    #[test]
    fn nesting_and_what_is_no_json_end_with_a_word() {
        for bad in ["", "{", "1 2", "nul", "\"\\ud800\"", "1e999", &"[".repeat(100_000)] {
            assert!(Json::parse(bad).is_err(), "{}", &bad[..bad.len().min(10)]);
        }
    }
}
