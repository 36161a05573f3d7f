//! Finds the columns of an event in its bytes.
//!
//! Nothing is re-written: `param` and `extra` keep the client's own text, so a number comes out with the digits it
//! came in with. Where a member stands twice, the last counts.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserializer as _, Error as _, MapAccess, Visitor};
use serde::ser::Serializer as _;
use serde_json::value::RawValue;
use weir_core::event::Record;
use weir_core::selection::Watch;
use weir_core::sink::Refusal;

/// The stream whose events have named columns; of other streams the whole object is `extra`.
pub(crate) const EVENTS: &str = "events";

/// What an event says of itself, apart from what [`Record`] knows already.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields<'a> {
    pub page: Option<Cow<'a, str>>,
    pub event: Option<Cow<'a, str>>,
    pub label: Option<Cow<'a, str>>,
    pub target: Option<Cow<'a, str>>,
    pub section: Option<Cow<'a, str>>,
    /// JSON text, as it came.
    pub param: Option<&'a str>,
    /// JSON text of an object; none where there is no further member.
    pub extra: Option<Cow<'a, str>>,
}

impl<'a> Fields<'a> {
    /// Reads them, and shows `watch` each member on the way; fails where the event is not one valid JSON object.
    pub fn watched(record: &'a Record, watch: &mut Watch<'_, 'a>) -> Result<Self, Refusal> {
        let body = std::str::from_utf8(&record.event.body).map_err(refusal)?;
        if record.stream.as_str() == EVENTS {
            return Self::named(body, watch).map_err(refusal);
        }
        Self::whole(body, watch).map_err(refusal)
    }

    fn whole(body: &'a str, watch: &mut Watch<'_, 'a>) -> serde_json::Result<Self> {
        let mut json = serde_json::Deserializer::from_str(body);
        json.deserialize_map(Members(|name: Cow<'_, str>, value| {
            watch.member(&name, value);
            Ok(())
        }))?;
        json.end()?;
        Ok(Self { extra: Some(Cow::Borrowed(body.trim_ascii())), ..Self::default() })
    }

    fn named(body: &'a str, watch: &mut Watch<'_, 'a>) -> serde_json::Result<Self> {
        let mut fields = Self::default();
        let mut further = Vec::new();
        let mut json = serde_json::Deserializer::from_str(body);
        json.deserialize_map(Members(|name: Cow<'a, str>, value| {
            watch.member(&name, value);
            match name.as_ref() {
                "page" => fields.page = text(value)?,
                "event" => fields.event = text(value)?,
                "label" => fields.label = text(value)?,
                "target" => fields.target = text(value)?,
                "section" => fields.section = text(value)?,
                "param" => fields.param = Some(value.get()).filter(|text| *text != "null"),
                // Both are columns of their own, from the record.
                "log_id" | "occurred_at" => {}
                _ => further.push((name, value)),
            }
            Ok(())
        }))?;
        json.end()?;
        fields.extra = object(&further)?.map(Cow::Owned);
        Ok(fields)
    }
}

/// A string's content; of another value its JSON text; none for null.
fn text(value: &RawValue) -> serde_json::Result<Option<Cow<'_, str>>> {
    match value.get().as_bytes().first() {
        Some(b'"') => serde_json::from_str(value.get()).map(|Text(text)| Some(text)),
        Some(b'n') => Ok(None),
        _ => Ok(Some(Cow::Borrowed(value.get()))),
    }
}

fn object(members: &[(Cow<'_, str>, &RawValue)]) -> serde_json::Result<Option<String>> {
    if members.is_empty() {
        return Ok(None);
    }
    let last: HashMap<&str, usize> =
        members.iter().enumerate().map(|(place, (name, _))| (name.as_ref(), place)).collect();
    let counting =
        members.iter().enumerate().filter(|(place, (name, _))| last.get(name.as_ref()) == Some(place));
    let mut json = Vec::with_capacity(64 * members.len());
    serde_json::Serializer::new(&mut json).collect_map(counting.map(|(_, (name, value))| (name, value)))?;
    String::from_utf8(json).map(Some).map_err(serde::de::Error::custom)
}

/// What is no JSON object is refused for good.
pub(crate) fn refusal(error: impl fmt::Display) -> Refusal {
    Refusal {
        reason: "invalid_json".to_owned(),
        detail: format!("the event is not a valid JSON object: {error}"),
    }
}

/// A string, borrowed wherever it holds no escapes.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Gives each member to a function.
struct Members<F>(F);

impl<'de, F> Visitor<'de> for Members<F>
where
    F: FnMut(Cow<'de, str>, &'de RawValue) -> serde_json::Result<()>,
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(name)) = map.next_key()? {
            (self.0)(name, map.next_value()?).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;
    use weir_core::selection::Selection;

    fn read(body: &str) -> serde_json::Result<Fields<'_>> {
        Fields::named(body, &mut Selection::default().watch())
    }

    fn named(body: &str) -> Fields<'_> {
        read(body).unwrap()
    }

    #[test]
    fn the_named_members_are_columns_and_the_rest_is_extra() {
        let fields = named(
            r#"{"page":"/p","event":"e","label":null,"target":"t\n","param":{"a":1.00},"log_id":"7","occurred_at":1,"x":[1e2],"y":"z"}"#,
        );
        let expected = Fields {
            page: Some("/p".into()),
            event: Some("e".into()),
            target: Some("t\n".into()),
            param: Some(r#"{"a":1.00}"#),
            extra: Some(r#"{"x":[1e2],"y":"z"}"#.into()),
            ..Fields::default()
        };
        assert_eq!(fields, expected);
    }

    #[test]
    fn numbers_keep_their_digits() {
        let number = "123456789012345678901234567890.10000000000000000001";
        let body = format!(r#"{{"page":"p","param":{number},"n":{number}}}"#);
        assert_eq!(named(&body).param, Some(number));
        assert_eq!(named(&body).extra.unwrap(), format!(r#"{{"n":{number}}}"#));
    }

    #[test]
    fn of_a_member_that_stands_twice_the_last_counts() {
        let fields = named(r#"{"page":"a","x":1,"page":"b","y":0,"x":2,"label":"l","label":null}"#);
        assert_eq!(fields.page.as_deref(), Some("b"));
        assert_eq!(fields.label, None);
        assert_eq!(fields.extra.as_deref(), Some(r#"{"y":0,"x":2}"#));
    }

    #[test]
    fn a_name_written_with_escapes_is_the_same_name() {
        let fields = named(r#"{"p\u0061ge":"a"}"#);
        assert_eq!((fields.page.as_deref(), fields.extra), (Some("a"), None));
    }

    #[test]
    fn what_should_be_text_and_is_not_keeps_its_json() {
        let fields = named(r#"{"page":7,"event":{"a":[]},"label":true}"#);
        assert_eq!(fields.page.as_deref(), Some("7"));
        assert_eq!(fields.event.as_deref(), Some(r#"{"a":[]}"#));
        assert_eq!(fields.label.as_deref(), Some("true"));
    }

    #[test]
    fn what_is_no_object_is_an_error() {
        for bad in ["", "1", "[]", "{", "{\"a\":1}x", "{\"page\":\"\\ud800\"}", "{\"a\":tru}"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn extra_is_what_a_json_parser_sees_less_the_named_members(members in prop::collection::vec(("[a-c\"é]{0,2}|page|log_id", any::<i32>()), 0..8)) {
            let written: Vec<String> = members.iter().map(|(name, n)| format!("{}:{n}", Value::from(name.as_str()))).collect();
            let body = format!("{{{}}}", written.join(","));
            let mut expected: serde_json::Map<String, Value> = serde_json::from_str(&body).unwrap();
            expected.remove("page");
            expected.remove("log_id");
            let extra = named(&body).extra.map_or_else(serde_json::Map::new, |text| serde_json::from_str(&text).unwrap());
            prop_assert_eq!(extra, expected);
        }
    }
}
