//! A setting that is a number of something, written as people write it. For `#[serde(with = …)]`.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, Error, Visitor};
use serde::ser::Serializer;

use super::read::with_remedy;

/// What can be written as a number with its unit.
pub trait Quantity: Sized {
    /// The word for it.
    const NOUN: &'static str;
    /// How it may be written, for errors.
    const FORMS: &'static str;

    /// Reads a number with a unit; `None` for anything else.
    fn read(text: &str) -> Option<Self>;

    /// Reads a bare number, or says what is wrong with it and what to do.
    fn of_number(number: u64) -> Result<Self, (&'static str, String)>;

    /// Writes it so that it is read back the same.
    fn written(&self) -> String;
}

/// Writes the setting.
pub fn serialize<Q: Quantity, S: Serializer>(quantity: &Q, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&quantity.written())
}

/// Reads the setting.
pub fn deserialize<'de, Q: Quantity, D: Deserializer<'de>>(deserializer: D) -> Result<Q, D::Error> {
    deserializer.deserialize_any(Reading(PhantomData))
}

struct Reading<Q>(PhantomData<Q>);

impl<Q: Quantity> Visitor<'_> for Reading<Q> {
    type Value = Q;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Q::FORMS)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Q, E> {
        let wrong = || format!("is no {}: {text:?}", Q::NOUN);
        Q::read(text).ok_or_else(|| E::custom(with_remedy(&wrong(), &format!("Write {}.", Q::FORMS))))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Q, E> {
        Q::of_number(number).map_err(|(what, remedy)| E::custom(with_remedy(what, &remedy)))
    }
}

/// The same for a setting that may be absent.
pub mod optional {
    use super::{Deserializer, Quantity, Serializer};

    /// Writes the setting.
    pub fn serialize<Q: Quantity, S: Serializer>(
        quantity: &Option<Q>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match quantity {
            Some(quantity) => super::serialize(quantity, serializer),
            None => serializer.serialize_none(),
        }
    }

    /// Reads the setting.
    pub fn deserialize<'de, Q: Quantity, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Q>, D::Error> {
        super::deserialize(deserializer).map(Some)
    }
}
