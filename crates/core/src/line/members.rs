//! Finds the members of an event in its bytes.
//!
//! **Constraint.** The whole of it is read, so that what is no JSON object is found; nothing is re-written.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// What an object's members are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// There are none.
    None,
    /// As nothing else is called.
    Free,
    /// Some as something else.
    SomeTaken,
}

/// Reads the whole object, so that what is none is found, and keeps nothing of it.
pub fn names(body: &str, is_taken: impl Fn(&str) -> bool) -> serde_json::Result<Names> {
    let mut names = Names::None;
    each_member(body, |name, _: IgnoredAny| {
        if is_taken(&name) {
            names = Names::SomeTaken;
        } else if names == Names::None {
            names = Names::Free;
        }
    })?;
    Ok(names)
}

/// Names without escapes, values in their own words.
pub type Members<'a> = Vec<(Cow<'a, str>, &'a RawValue)>;

/// All of them, in their order.
pub fn members(body: &str) -> serde_json::Result<Members<'_>> {
    let mut members = Vec::new();
    each_member(body, |name, value| members.push((name, value)))?;
    Ok(members)
}

fn each_member<'a, V: Deserialize<'a>>(
    body: &'a str,
    give: impl FnMut(Cow<'a, str>, V),
) -> serde_json::Result<()> {
    let mut json = serde_json::Deserializer::from_str(body);
    json.deserialize_map(Reading(give, PhantomData))?;
    json.end()
}

/// Gives each member to a function.
struct Reading<F, V>(F, PhantomData<V>);

impl<'de, V: Deserialize<'de>, F: FnMut(Cow<'de, str>, V)> Visitor<'de> for Reading<F, V> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        #[derive(serde::Deserialize)]
        struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
        while let Some((Text(name), value)) = map.next_entry()? {
            (self.0)(name, value);
        }
        Ok(())
    }
}
