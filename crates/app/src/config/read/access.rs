//! The inside of lists, sections and choices, for serde.

use std::collections::btree_map;
use std::vec;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::failure::Failure;
use super::reader::Reader;
use super::{Context, REST};
use crate::config::key::Key;
use crate::config::tree::{Node, Table, Value};

/// A list's items, one after the other.
pub(super) struct Items<'a> {
    items: std::iter::Enumerate<vec::IntoIter<Node>>,
    key: Key,
    context: &'a Context<'a>,
}

impl<'a> Items<'a> {
    pub fn new(items: Vec<Node>, key: Key, context: &'a Context<'a>) -> Self {
        Self { items: items.into_iter().enumerate(), key, context }
    }
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Failure;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Failure> {
        let Some((index, node)) = self.items.next() else { return Ok(None) };
        seed.deserialize(Reader::new(node, self.key.item(index), self.context)).map(Some)
    }
}

/// A section's members, one after the other.
pub(super) struct Members<'a> {
    members: btree_map::IntoIter<String, Node>,
    value: Option<Reader<'a>>,
    /// What comes after them, as the member [`REST`].
    rest: Option<Reader<'a>>,
    key: Key,
    context: &'a Context<'a>,
}

impl<'a> Members<'a> {
    pub fn new(table: Table, key: Key, context: &'a Context<'a>) -> Self {
        Self { members: table.into_iter(), value: None, rest: None, key, context }
    }

    /// The rest is read after them: so what is wrong with them is told, too, where one of the rest is missing.
    pub fn before(self, rest: Option<Reader<'a>>) -> Self {
        Self { rest, ..self }
    }
}

impl<'de> MapAccess<'de> for Members<'_> {
    type Error = Failure;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Failure> {
        let Some((name, node)) = self.members.next() else {
            self.value = self.rest.take();
            let rest: StrDeserializer<'_, Failure> = REST.into_deserializer();
            return self.value.as_ref().map(|_| seed.deserialize(rest)).transpose();
        };
        let origin = node.origin.clone();
        let key = self.key.child(&name);
        self.value = Some(Reader::new(node, key.clone(), self.context));
        let name: StrDeserializer<'_, Failure> = name.as_str().into_deserializer();
        seed.deserialize(name).map(Some).map_err(|failure| failure.at(&key, &origin))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failure> {
        match self.value.take() {
            Some(reader) => {
                let (key, origin) = (reader.key.clone(), reader.node.origin.clone());
                seed.deserialize(reader).map_err(|failure| failure.at(&key, &origin))
            }
            None => Err(Failure::new("has no value", "")),
        }
    }
}

/// One of several: a word, or a section with a member `type`.
pub(super) struct Chosen<'a> {
    node: Node,
    key: Key,
    context: &'a Context<'a>,
    variant: &'static str,
}

impl<'a> Chosen<'a> {
    pub fn new(node: Node, key: Key, context: &'a Context<'a>) -> Self {
        Self { node, key, context, variant: "" }
    }

    /// Finds the one that is meant.
    pub fn among(mut self, variants: &'static [&'static str]) -> Result<Self, Failure> {
        let (word, place) = match &mut self.node.value {
            Value::Text(word) => (word.clone(), None),
            Value::Table(table) => match table.remove("type") {
                Some(Node { value: Value::Text(word), origin }) => {
                    (word, Some((self.key.child("type"), origin)))
                }
                Some(other) => {
                    return Err(Failure::kind(&other, &"a text").at(&self.key.child("type"), &other.origin));
                }
                None => {
                    let remedy = format!("Add type = \"…\" to this section: one of {}.", variants.join(", "));
                    return Err(Failure::new("has no `type`", remedy));
                }
            },
            _ => return Err(Failure::kind(&self.node, &format!("one of {}", variants.join(", ")))),
        };
        let word_is = |variant: &&&str| **variant == word.trim();
        match (variants.iter().find(word_is), place) {
            (Some(variant), _) => Ok(Self { variant, ..self }),
            (None, Some((key, origin))) => Err(Failure::word(&word, variants).at(&key, &origin)),
            (None, None) => Err(Failure::word(&word, variants)),
        }
    }
}

impl<'de, 'a> EnumAccess<'de> for Chosen<'a> {
    type Error = Failure;
    type Variant = Content<'a>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Content<'a>), Failure> {
        let variant: StrDeserializer<'_, Failure> = self.variant.into_deserializer();
        let content = Content { node: self.node, key: self.key, context: self.context };
        Ok((seed.deserialize(variant)?, content))
    }
}

/// What belongs to the choice: the section without its `type`.
pub(super) struct Content<'a> {
    node: Node,
    key: Key,
    context: &'a Context<'a>,
}

impl<'de> VariantAccess<'de> for Content<'_> {
    type Error = Failure;

    fn unit_variant(self) -> Result<(), Failure> {
        match self.node.value {
            Value::Text(_) => Ok(()),
            _ => Err(Failure::kind(&self.node, &"a text in quotes")),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Failure> {
        seed.deserialize(Reader::new(self.node, self.key, self.context))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _length: usize, _visitor: V) -> Result<V::Value, Failure> {
        Err(Failure::kind(&self.node, &"a section"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Failure> {
        Err(Failure::kind(&self.node, &"a section"))
    }
}
