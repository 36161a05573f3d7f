//! Settings before they have types: a tree in which every value knows where it was written.

use std::collections::BTreeMap;

use super::key::Key;
pub use super::origin::Origin;

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it was written.
    pub origin: Origin,
}

/// A value as TOML has it. Dates are text here.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// `true` or `false`.
    Boolean(bool),
    /// `[…]`
    List(Vec<Node>),
    /// A section.
    Table(Table),
}

/// A section's members, by name.
pub type Table = BTreeMap<String, Node>;

impl Value {
    /// The kind of value, as an error names it. Never the value: it may be a secret.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Integer(_) => "a number",
            Self::Float(_) => "a number with a fraction",
            Self::Boolean(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a section",
        }
    }
}

impl Node {
    /// An empty section.
    pub fn section(origin: Origin) -> Self {
        Self { value: Value::Table(Table::new()), origin }
    }

    /// A text.
    pub fn text(text: impl Into<String>, origin: Origin) -> Self {
        Self { value: Value::Text(text.into()), origin }
    }

    /// The members, where it is a section.
    pub fn table(&self) -> Option<&Table> {
        match &self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The value at `key`.
    pub fn get(&self, key: &Key) -> Option<&Node> {
        key.segments().iter().try_fold(self, |node, segment| match &node.value {
            Value::Table(table) => table.get(segment),
            Value::List(items) => items.get(Key::index_of(segment)?),
            _ => None,
        })
    }

    /// Where the value at `key`, or the nearest section around it, was written.
    pub fn origin_of(&self, key: &Key) -> Origin {
        let mut key = key.clone();
        loop {
            match self.get(&key) {
                Some(node) => return node.origin.clone(),
                None => key = key.parent(),
            }
        }
    }

    /// Lays `other` over this: sections are joined, everything else is replaced.
    pub fn overlay(&mut self, other: Node) {
        match (&mut self.value, other.value) {
            (Value::Table(below), Value::Table(above)) => {
                for (name, node) in above {
                    match below.get_mut(&name) {
                        Some(there) => there.overlay(node),
                        None => drop(below.insert(name, node)),
                    }
                }
            }
            (value, above) => {
                *value = above;
                self.origin = other.origin;
            }
        }
    }

    /// Puts `node` at `path`, making the sections on the way. A part of the path names a member whatever its case
    /// and with `_` for `-`, since an environment variable can say neither.
    pub fn put(&mut self, path: &[String], node: Node) {
        let Some((last, sections)) = path.split_last() else { return };
        let mut place = self;
        for part in sections {
            let below = Node::section(node.origin.clone());
            let table = place.make_table();
            let name = existing_name(table, part);
            place = table.entry(name).or_insert(below);
        }
        let table = place.make_table();
        let name = existing_name(table, last);
        table.insert(name, node);
    }

    /// Puts `node` at `path` unless there is something already, there or where a section would have to be.
    pub fn put_default(&mut self, path: &[&str], node: Node) {
        let path: Vec<String> = path.iter().map(ToString::to_string).collect();
        let mut around = Key::from_segments(&path);
        let mut free = self.get(&around).is_none();
        while free && !around.segments().is_empty() {
            around = around.parent();
            free = self.get(&around).is_none_or(|node| node.table().is_some());
        }
        if free {
            self.put(&path, node);
        }
    }

    /// Takes out the value at `key`. Whether there was one.
    pub fn remove(&mut self, key: &Key) -> bool {
        let Some(last) = key.segments().last() else { return false };
        let mut place = self;
        for segment in key.parent().segments() {
            let below = match &mut place.value {
                Value::Table(table) => table.get_mut(segment),
                Value::List(items) => Key::index_of(segment).and_then(|index| items.get_mut(index)),
                _ => None,
            };
            let Some(below) = below else { return false };
            place = below;
        }
        match &mut place.value {
            Value::Table(table) => table.remove(last).is_some(),
            Value::List(items) => match Key::index_of(last) {
                Some(index) if index < items.len() => {
                    items.remove(index);
                    true
                }
                _ => false,
            },
            _ => false,
        }
    }

    fn make_table(&mut self) -> &mut Table {
        if !matches!(self.value, Value::Table(_)) {
            self.value = Value::Table(Table::new());
        }
        match &mut self.value {
            Value::Table(table) => table,
            _ => unreachable!("it was made a table above"),
        }
    }
}

fn existing_name(table: &Table, part: &str) -> String {
    let plain = |name: &str| name.to_ascii_lowercase().replace('-', "_");
    let wanted = plain(part);
    table.keys().find(|name| plain(name) == wanted).cloned().unwrap_or_else(|| part.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(parts: &[&str]) -> Vec<String> {
        parts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_later_layer_replaces_values_and_joins_sections() {
        let mut tree = Node::section(Origin::BuiltIn);
        tree.put(&path(&["server", "port"]), Node::text("1", Origin::BuiltIn));
        tree.put(&path(&["server", "host"]), Node::text("a", Origin::BuiltIn));
        let mut above = Node::section(Origin::BuiltIn);
        above.put(&path(&["server", "port"]), Node::text("2", Origin::Option("--x")));
        tree.overlay(above);
        let port = tree.get(&Key::of(["server", "port"])).unwrap();
        assert_eq!(*port, Node::text("2", Origin::Option("--x")));
        assert_eq!(tree.get(&Key::of(["server", "host"])).unwrap().value, Value::Text("a".into()));
    }

    #[test]
    fn a_variable_reaches_a_name_with_capitals_or_dashes() {
        let mut tree = Node::section(Origin::BuiltIn);
        tree.overlay(super::super::toml_file::parse("f", "[sinks.My-Search]\nurl = \"a\"").unwrap());
        tree.put(&path(&["SINKS", "MY_SEARCH", "URL"]), Node::text("b", Origin::BuiltIn));
        let url = tree.get(&Key::of(["sinks", "My-Search", "url"])).unwrap();
        assert_eq!(url.value, Value::Text("b".into()));
    }

    #[test]
    fn what_is_absent_points_at_the_section_around_it() {
        let tree = super::super::toml_file::parse("f", "\n[sinks.a]\nurl = 1").unwrap();
        let origin = tree.origin_of(&Key::of(["sinks", "a", "batch", "max_age"]));
        assert_eq!(origin.to_string(), "f:2");
    }
}
