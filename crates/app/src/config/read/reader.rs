//! A serde deserializer over the tree.
//!
//! Text from the environment becomes a number, a truth value or a list where the setting needs one; text from a
//! file does not. A newtype called [`NAME`](crate::secret::NAME) may name a variable or a file that holds the text, and so
//! may one called [`LOOSE`], which is as well a number or a truth value.

use serde::de::value::StringDeserializer;
use serde::de::{Deserializer, Error, IntoDeserializer, Visitor};

use super::access::{Chosen, Items, Members};
use super::failure::Failure;
use super::{Context, REST};
use crate::config::key::Key;
use crate::config::nearest::suggestion;
use crate::config::problem::Problem;
use crate::config::secret;
use crate::config::settings::LOOSE;
use crate::config::tree::{Node, Origin, Table, Value};

/// Reads one value.
pub(super) struct Reader<'a> {
    pub node: Node,
    pub key: Key,
    context: &'a Context<'a>,
    /// The members of the section around it, where this is the rest of them.
    around: &'static [&'static str],
}

impl<'a> Reader<'a> {
    pub fn new(node: Node, key: Key, context: &'a Context<'a>) -> Self {
        Self { node, key, context, around: &[] }
    }

    /// Runs `visit`, and says where it failed if it does.
    fn placed<T>(self, visit: impl FnOnce(Self) -> Result<T, Failure>) -> Result<T, Failure> {
        let (key, origin) = (self.key.clone(), self.node.origin.clone());
        visit(self).map_err(|failure| failure.at(&key, &origin))
    }

    /// The text, where it comes from a place that knows only text.
    fn loose_text(&self) -> Option<&str> {
        match &self.node.value {
            Value::Text(text) if self.node.origin.is_textual() => Some(text.trim()),
            _ => None,
        }
    }

    fn number<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.placed(|reader| match (&reader.node.value, reader.loose_text()) {
            (_, Some(text)) => match (text.parse::<i64>(), text.parse::<f64>()) {
                (Ok(number), _) => visit_integer(number, visitor),
                (_, Ok(number)) => visitor.visit_f64(number),
                _ => Err(Failure::new("is not a number", "Write digits only.")),
            },
            (Value::Integer(number), _) => visit_integer(*number, visitor),
            (Value::Float(number), _) => visitor.visit_f64(*number),
            _ => Err(Failure::kind(&reader.node, &"a number")),
        })
    }

    fn text<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.placed(|reader| match reader.node.value {
            Value::Text(text) => visitor.visit_string(text),
            _ => Err(Failure::kind(&reader.node, &"a text in quotes")),
        })
    }

    /// The members that `fields` do not name, to be read as their [`REST`], if they have one.
    fn rest(&self, fields: &'static [&'static str]) -> Option<Self> {
        let table = self.node.table().filter(|_| fields.contains(&REST))?;
        let others = table.iter().filter(|(name, _)| !is_member(name, fields));
        let others = others.map(|(name, node)| (name.clone(), node.clone())).collect();
        let node = Node { value: Value::Table(others), origin: self.node.origin.clone() };
        Some(Self { node, key: self.key.clone(), context: self.context, around: fields })
    }

    fn tell_unknown(&self, table: &Table, fields: &'static [&'static str]) {
        let known: Vec<&str> = match self.around.iter().position(|name| *name == REST) {
            Some(at) => [&self.around[..at], fields, &self.around[at + 1..]].concat(),
            None => fields.to_vec(),
        };
        for (name, node) in table.iter().filter(|(name, _)| !is_member(name, fields)) {
            self.context.unknown.borrow_mut().push(Problem {
                key: self.key.child(name),
                origin: Some(node.origin.clone()).filter(|origin| *origin != Origin::BuiltIn),
                what: "is not a setting".to_owned(),
                remedy: suggestion(name, &known),
            });
        }
    }
}

// serde's numbers tell a negative one by its type, so that an unsigned setting can refuse it.
fn visit_integer<'de, V: Visitor<'de>>(number: i64, visitor: V) -> Result<V::Value, Failure> {
    match u64::try_from(number) {
        Ok(number) => visitor.visit_u64(number),
        Err(_) => visitor.visit_i64(number),
    }
}

macro_rules! numbers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> { self.number(visitor) })*
    };
}

macro_rules! texts {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> { self.text(visitor) })*
    };
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Failure;

    numbers! { deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16
    deserialize_u32 deserialize_u64 deserialize_f32 deserialize_f64 }
    texts! { deserialize_char deserialize_str deserialize_string deserialize_identifier deserialize_bytes
    deserialize_byte_buf }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.placed(|reader| match reader.node.value {
            Value::Text(text) => visitor.visit_string(text),
            Value::Integer(number) => visit_integer(number, visitor),
            Value::Float(number) => visitor.visit_f64(number),
            Value::Boolean(flag) => visitor.visit_bool(flag),
            Value::List(items) => visitor.visit_seq(Items::new(items, reader.key, reader.context)),
            Value::Table(table) => visitor.visit_map(Members::new(table, reader.key, reader.context)),
        })
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.placed(|reader| match (&reader.node.value, reader.loose_text()) {
            (_, Some("true" | "1" | "on" | "yes")) => visitor.visit_bool(true),
            (_, Some("false" | "0" | "off" | "no")) => visitor.visit_bool(false),
            (Value::Boolean(flag), _) => visitor.visit_bool(*flag),
            _ => Err(Failure::kind(&reader.node, &"true or false")),
        })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_some(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.placed(|reader| {
            let items = match (reader.loose_text(), &reader.node.value) {
                (Some(text), _) => split(text, &reader.node.origin),
                (None, Value::List(items)) => items.clone(),
                _ => return Err(Failure::kind(&reader.node, &"a list such as [\"a\", \"b\"]")),
            };
            visitor.visit_seq(Items::new(items, reader.key, reader.context))
        })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.placed(|reader| match reader.node.value {
            Value::Table(table) => visitor.visit_map(Members::new(table, reader.key, reader.context)),
            _ => Err(Failure::kind(&reader.node, &"a section")),
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let rest = self.rest(fields);
        if let (Value::Table(table), None) = (&self.node.value, &rest) {
            self.tell_unknown(table, fields);
        }
        self.placed(|reader| match reader.node.value {
            Value::Table(mut table) => {
                table.retain(|name, _| is_member(name, fields));
                visitor.visit_map(Members::new(table, reader.key, reader.context).before(rest))
            }
            _ => Err(Failure::kind(&reader.node, &section_of(fields))),
        })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let is_loose = name == LOOSE;
        if name != crate::secret::NAME && !is_loose {
            return visitor.visit_newtype_struct(self);
        }
        self.placed(|reader| {
            let text = match &reader.node.value {
                Value::Text(text) => secret::resolve(text, reader.context.variables)?,
                Value::Integer(number) if is_loose => number.to_string(),
                Value::Float(number) if is_loose => number.to_string(),
                Value::Boolean(flag) if is_loose => flag.to_string(),
                _ => return Err(Failure::kind(&reader.node, &"a text in quotes")),
            };
            let text: StringDeserializer<Failure> = text.into_deserializer();
            visitor.visit_newtype_struct(text)
        })
    }

    /// A word is a plain variant; a section is the variant that its member `type` names.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.placed(|reader| {
            let chosen = Chosen::new(reader.node, reader.key, reader.context);
            visitor.visit_enum(chosen.among(variants)?)
        })
    }

    fn deserialize_unit<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Failure> {
        Err(Failure::custom("has no value of this kind"))
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _length: usize, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_any(visitor)
    }
}

/// Whether a member that somebody wrote is one of these: nobody can write the rest by its name.
fn is_member(name: &str, fields: &[&str]) -> bool {
    name != REST && fields.contains(&name)
}

/// A small section as it is written in a list, a large one by name only.
fn section_of(fields: &[&str]) -> String {
    let members: Vec<String> = fields.iter().map(|name| format!("{name} = …")).collect();
    match members.len() {
        ..=3 => format!("a section such as {{ {} }}", members.join(", ")),
        _ => "a section".to_owned(),
    }
}

fn split(text: &str, origin: &Origin) -> Vec<Node> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| Node::text(part, origin.clone())).collect()
}
