//! Which streams a sink takes: `"*"`, one name, or a list of names.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

/// The streams that a sink takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StreamSelection {
    /// Every stream, save those that only go where they are named.
    #[default]
    All,
    /// These.
    Named(Vec<String>),
}

impl StreamSelection {
    fn of(names: Vec<String>) -> Self {
        if names.iter().any(|name| name == "*") { Self::All } else { Self::Named(names) }
    }

    /// Whether some stream may be in both.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Named(names), Self::Named(others)) => names.iter().any(|name| others.contains(name)),
            _ => true,
        }
    }
}

impl Serialize for StreamSelection {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => serializer.serialize_str("*"),
            Self::Named(names) => names.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for StreamSelection {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading;
        impl<'de> Visitor<'de> for Reading {
            type Value = StreamSelection;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a stream's name, a list of them, or \"*\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<StreamSelection, E> {
                let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
                Ok(StreamSelection::of(names.map(str::to_owned).collect()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<StreamSelection, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = items.next_element()? {
                    names.push(name);
                }
                Ok(StreamSelection::of(names))
            }
        }
        deserializer.deserialize_any(Reading)
    }
}
