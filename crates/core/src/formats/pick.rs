//! Picks a few members out of a JSON object, by pointer, and checks the whole of it on the way.
//!
//! The rest is validated and passed over; nothing is allocated for it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Fault;
use super::json::{check_text, without_place};

/// A JSON pointer (RFC 6901) into an object's members. The pointer to the whole (`""`) is not one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer {
    text: String,
    steps: Vec<String>,
}

impl Pointer {
    /// Reads `/a/b`; `~1` stands for `/` and `~0` for `~`. `None` where it does not begin with `/`.
    pub fn parse(text: &str) -> Option<Self> {
        let steps = text.strip_prefix('/')?.split('/').map(|step| step.replace("~1", "/").replace("~0", "~"));
        Some(Self { text: text.to_owned(), steps: steps.collect() })
    }

    /// The pointer to the object's member of this name.
    pub fn to_member(name: &str) -> Self {
        let text = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        Self { text, steps: vec![name.to_owned()] }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names and indices on the way, unescaped; at least one.
    pub fn steps(&self) -> &[String] {
        &self.steps
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The values at `pointers`, in their order, as they stand in `text`; `None` for what is absent or null.
///
/// Fails where `text` is not one valid JSON object, or names a picked member twice, so that readers could differ
/// about what it says.
pub fn pick<'a>(text: &'a str, pointers: &[Pointer]) -> Result<Vec<Option<&'a RawValue>>, Fault> {
    check_text(text)?;
    if pointers.is_empty() && is_object(text) {
        return Ok(Vec::new());
    }
    let mut found = vec![None; pointers.len()];
    let mut json = serde_json::Deserializer::from_str(text);
    let seed = Members { pointers, found: &mut found };
    seed.deserialize(&mut json).and_then(|()| json.end()).map_err(|error| fault(text, &error))?;
    for (pointer, value) in pointers.iter().zip(&mut found) {
        *value = value.and_then(|first| descend(first, &pointer.steps[1..]));
    }
    Ok(found)
}

/// Nothing of it is asked for, not even its members' names, which is quicker to check.
fn is_object(text: &str) -> bool {
    text.trim_start().starts_with('{') && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Follows the steps below a picked member; through objects, and arrays by index.
fn descend<'a>(value: &'a RawValue, steps: &[String]) -> Option<&'a RawValue> {
    let Some((step, rest)) = steps.split_first() else {
        return (value.get() != "null").then_some(value);
    };
    let next = match value.get().as_bytes().first()? {
        b'{' => {
            let pointer = Pointer { text: String::new(), steps: vec![step.clone()] };
            pick(value.get(), &[pointer]).ok()?.pop()?
        }
        b'[' => {
            let elements: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
            elements.get(step.parse::<usize>().ok()?).copied()
        }
        _ => None,
    };
    descend(next?, rest)
}

/// What is wrong with `text`, which is not one JSON object.
pub(crate) fn fault(text: &str, error: &serde_json::Error) -> Fault {
    let what = without_place(error);
    match error.classify() {
        serde_json::error::Category::Data if what.starts_with("member") => {
            Fault::new("duplicate_member", what)
        }
        serde_json::error::Category::Data => {
            let start = text.trim_start().bytes().next();
            let kind = match start {
                Some(b'[') => "an array",
                Some(b'"') => "a string",
                Some(b't' | b'f') => "a boolean",
                Some(b'n') => "null",
                _ => "a number",
            };
            Fault::new("not_an_object", format!("an event is a JSON object; this is {kind}"))
        }
        _ => {
            Fault::new("invalid_json", format!("not valid JSON: {what} at column {}", error.column().max(1)))
        }
    }
}

struct Members<'p, 'f, 'a> {
    pointers: &'p [Pointer],
    found: &'f mut [Option<&'a RawValue>],
}

impl<'a> DeserializeSeed<'a> for Members<'_, '_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Members<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut members: M) -> Result<(), M::Error> {
        let wanted = Wanted { pointers: self.pointers };
        while let Some(matches) = members.next_key_seed(wanted)? {
            let Some(first) = matches else {
                members.next_value::<IgnoredAny>()?;
                continue;
            };
            let name = &self.pointers[first].steps[0];
            if self.found[first].is_some() {
                return Err(serde::de::Error::custom(format_args!("member \"{name}\" occurs twice")));
            }
            let value: &RawValue = members.next_value()?;
            // Several pointers may begin with the same member.
            for (pointer, found) in self.pointers.iter().zip(self.found.iter_mut()).skip(first) {
                if pointer.steps[0] == *name {
                    *found = Some(value);
                }
            }
        }
        Ok(())
    }
}

/// Reads a member's name: the first pointer that begins with it.
#[derive(Clone, Copy)]
struct Wanted<'p> {
    pointers: &'p [Pointer],
}

impl<'a> DeserializeSeed<'a> for Wanted<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for Wanted<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.pointers.iter().position(|pointer| pointer.steps[0] == name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn picked<'a>(text: &'a str, pointers: &[&str]) -> Result<Vec<Option<&'a str>>, Fault> {
        let pointers: Vec<Pointer> = pointers.iter().map(|text| Pointer::parse(text).unwrap()).collect();
        Ok(pick(text, &pointers)?.into_iter().map(|value| value.map(RawValue::get)).collect())
    }

    #[test]
    fn values_are_given_as_they_stand() {
        let text = r#"{"a": 1.50, "b":{"c":["x",{"d":true}]}, "e/f":null, "g":"\u00e9"}"#;
        let values = picked(text, &["/a", "/b/c/1/d", "/b/c/0", "/e~1f", "/g", "/nothing"]).unwrap();
        assert_eq!(values, [Some("1.50"), Some("true"), Some("\"x\""), None, Some("\"\\u00e9\""), None]);
    }

    #[test]
    fn a_name_may_be_written_with_escapes() {
        assert_eq!(picked(r#"{"p\u0061ge":"x"}"#, &["/page"]).unwrap(), [Some("\"x\"")]);
    }

    #[test]
    fn a_picked_member_may_occur_once_and_the_others_as_often_as_they_like() {
        assert_eq!(picked(r#"{"a":1,"a":2}"#, &["/a"]).unwrap_err().code, "duplicate_member");
        assert!(picked(r#"{"b":1,"b":2}"#, &["/a"]).is_ok());
    }

    #[test]
    fn what_is_no_object_or_no_json_is_told_apart() {
        for (text, code) in [("[1]", "not_an_object"), ("\"x\"", "not_an_object"), ("null", "not_an_object")]
        {
            assert_eq!(picked(text, &["/a"]).unwrap_err().code, code, "{text}");
        }
        for text in ["{", "{}x", "{\"a\":NaN}", "{\"a\":01}", "{'a':1}", "{\"a\":\"\t\"}", ""] {
            assert_eq!(picked(text, &["/a"]).unwrap_err().code, "invalid_json", "{text}");
        }
    }

    proptest! {
        #[test]
        fn picking_agrees_with_a_tree(object in prop::collection::btree_map("[a-c]", 0..9_i32, 0..4)) {
            let text = serde_json::to_string(&object).unwrap();
            let values = picked(&text, &["/a", "/b"]).unwrap();
            for (name, value) in ["a", "b"].iter().zip(values) {
                let expected = object.get(*name).map(ToString::to_string);
                prop_assert_eq!(expected.as_deref(), value);
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,80}") {
            let _ = picked(&text, &["/a/b", "/a"]);
        }
    }
}
