//! What a filter asks of a member, as it is written: a value, a list of values, or tests by name.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

use crate::config::nearest::suggestion;
use crate::config::read::with_remedy;

/// What a member must be.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Wanted {
    /// This.
    One(Scalar),
    /// One of these.
    OneOf(Vec<Scalar>),
    /// What these tests say, all of them.
    Tests(BTreeMap<Test, Wanted>),
}

/// A single value.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Scalar {
    Text(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
}

/// A test, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Test {
    Not,
    In,
    Prefix,
    Exists,
    Less,
    AtMost,
    More,
    AtLeast,
}

const TESTS: [(&str, Test); 8] = [
    ("not", Test::Not),
    ("in", Test::In),
    ("prefix", Test::Prefix),
    ("exists", Test::Exists),
    ("<", Test::Less),
    ("<=", Test::AtMost),
    (">", Test::More),
    (">=", Test::AtLeast),
];

impl Test {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        TESTS.iter().find(|(_, test)| *test == self).map_or("", |(name, _)| name)
    }
}

impl Serialize for Test {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Test {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let known = TESTS.iter().find(|(known, _)| *known == name);
        known.map(|(_, test)| *test).ok_or_else(|| {
            let names: Vec<&str> = TESTS.iter().map(|(name, _)| *name).collect();
            D::Error::custom(with_remedy("is no test that a filter knows", &suggestion(&name, &names)))
        })
    }
}

impl<'de> Deserialize<'de> for Wanted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ReadWanted)
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ReadScalar)
    }
}

struct ReadScalar;

impl Visitor<'_> for ReadScalar {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, true or false")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(text.to_owned()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Scalar, E> {
        Ok(Scalar::Integer(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Scalar, E> {
        i64::try_from(number).map(Scalar::Integer).map_err(E::custom)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Scalar, E> {
        Ok(Scalar::Float(number))
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Scalar, E> {
        Ok(Scalar::Bool(flag))
    }
}

struct ReadWanted;

impl<'de> Visitor<'de> for ReadWanted {
    type Value = Wanted;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, a list of values, or a test such as { prefix = \"/shop\" }")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Wanted, E> {
        ReadScalar.visit_str(text).map(Wanted::One)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Wanted, E> {
        ReadScalar.visit_i64(number).map(Wanted::One)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Wanted, E> {
        ReadScalar.visit_u64(number).map(Wanted::One)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Wanted, E> {
        ReadScalar.visit_f64(number).map(Wanted::One)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Wanted, E> {
        ReadScalar.visit_bool(flag).map(Wanted::One)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Wanted, A::Error> {
        let mut scalars = Vec::new();
        while let Some(scalar) = items.next_element()? {
            scalars.push(scalar);
        }
        Ok(Wanted::OneOf(scalars))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Wanted, A::Error> {
        let mut tests = BTreeMap::new();
        while let Some((test, wanted)) = members.next_entry()? {
            tests.insert(test, wanted);
        }
        Ok(Wanted::Tests(tests))
    }
}
