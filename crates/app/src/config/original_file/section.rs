//! One section of the original's file.

use super::Told;
use crate::config::key::Key;
use crate::config::nearest::suggestion;
use crate::config::origin::Origin;
use crate::config::problem::Problem;
use crate::config::tree::{Node, Table, Value};

/// A section that may not be there.
pub(super) struct Section {
    key: Key,
    origin: Option<Origin>,
    table: Table,
}

impl Section {
    /// The section, taken out of the file.
    pub fn out_of(file: &mut Node, name: &str) -> Self {
        let node = match &mut file.value {
            Value::Table(table) => table.remove(name),
            _ => None,
        };
        Self::of(Key::of([name]), node)
    }

    /// The section within this one, taken out of it.
    pub fn within(&mut self, name: &str) -> Self {
        Self::of(self.key.child(name), self.table.remove(name))
    }

    fn of(key: Key, node: Option<Node>) -> Self {
        let origin = node.as_ref().map(|node| node.origin.clone());
        let table = match node.map(|node| node.value) {
            Some(Value::Table(table)) => table,
            _ => Table::new(),
        };
        Self { key, origin, table }
    }

    pub fn is_there(&self) -> bool {
        self.origin.is_some()
    }

    /// Where it begins.
    pub fn origin(&self) -> Origin {
        self.origin.clone().unwrap_or(Origin::BuiltIn)
    }

    /// A setting in it.
    pub fn get(&self, name: &str) -> Option<Setting> {
        let node = self.table.get(name)?.clone();
        Some(Setting { key: self.key.child(name), node })
    }

    /// All of them.
    pub fn settings(&self) -> impl Iterator<Item = (&str, Setting)> {
        self.table
            .iter()
            .map(|(name, node)| (name.as_str(), Setting { key: self.key.child(name), node: node.clone() }))
    }

    /// Tells of those that are none of these.
    pub fn tell_unknown(&self, known: &[&str], told: &mut Told) {
        for (name, Setting { key, node }) in self.settings().filter(|(name, _)| !known.contains(name)) {
            told.problems.push(Problem {
                key,
                origin: Some(node.origin),
                what: "is not a setting of the collector whose file this is".to_owned(),
                remedy: suggestion(name, known),
            });
        }
    }
}

/// A setting, and what it is called.
pub(super) struct Setting {
    pub key: Key,
    pub node: Node,
}

impl Setting {
    pub fn text(&self, told: &mut Told) -> Option<&str> {
        match &self.node.value {
            Value::Text(text) => Some(text),
            _ => self.wrong("a text in quotes", told),
        }
    }

    pub fn integer(&self, told: &mut Told) -> Option<u64> {
        match &self.node.value {
            Value::Integer(number) if *number > 0 => Some(number.unsigned_abs()),
            _ => self.wrong("a whole number above zero", told),
        }
    }

    fn wrong<T>(&self, wanted: &str, told: &mut Told) -> Option<T> {
        told.problems.push(Problem {
            key: self.key.clone(),
            origin: Some(self.node.origin.clone()),
            what: format!("is not {wanted}"),
            remedy: format!("Write {wanted}."),
        });
        None
    }

    /// Something else, in its place.
    pub fn replaced(&self, value: Value) -> Node {
        Node { value, origin: self.node.origin.clone() }
    }
}

/// The setting, in the first of the sections that has it.
pub(super) fn of_app(sections: [&Section; 2], name: &str) -> Option<Setting> {
    sections.into_iter().find_map(|section| section.get(name))
}
