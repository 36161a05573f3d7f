//! From JSON to a message, by the Protobuf JSON mapping.
//!
//! **Constraints.** Every fault is found, not the first alone. Nothing that a client says is lost in silence: a member
//! that the message does not have is a fault, and so is one that stands twice, under one name or both.
//!
//! Members go by their JSON name or by the name in the `.proto` file. Null stands for absence. What a message keeps
//! `reserved` was a member once, and is passed over.

mod scalar;
mod well_known;

use std::collections::HashMap;

use prost_reflect::{Cardinality, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Syntax, Value};

use super::fault::{Faults, Path, quoted};
use super::json::{Json, Member};
use super::well_known::{NULL_VALUE, WellKnown};
pub(super) use scalar::{knows_number, whole};

/// How deep messages and maps may lie within one another; no reader of the wire form goes deeper than 100.
pub(super) const NESTING_MAX: usize = 90;

/// Reads one event; collects what is wrong with it.
#[derive(Default)]
pub(super) struct Reader {
    pub faults: Faults,
}

impl Reader {
    /// The members of an object as the fields of a message; `apart` is a field that comes from elsewhere.
    pub fn members(
        &mut self,
        message: &mut DynamicMessage,
        members: &[Member<'_>],
        apart: Option<&FieldDescriptor>,
        path: &Path<'_>,
        depth: usize,
    ) {
        let descriptor = prost_reflect::ReflectMessage::descriptor(message);
        let mut seen: Vec<FieldDescriptor> = Vec::with_capacity(members.len());
        for (name, json) in members {
            let path = path.member(name);
            let Some(field) = field(&descriptor, name) else {
                if !is_reserved(&descriptor, name) {
                    self.faults.add(&path, format!("is not a member of {}", descriptor.full_name()));
                }
                continue;
            };
            if apart == Some(&field) {
                self.faults.add(&path, "stands beside the data, not in it");
            } else if seen.contains(&field) {
                self.faults.add(&path, "stands twice");
            } else if !stands_for_absence(&field, json) {
                self.check_alternatives(&field, message, &path);
                if let Some(value) = self.field(&field, json, &path, depth) {
                    self.set(message, &field, value, &path);
                }
                seen.push(field);
            } else {
                seen.push(field);
            }
        }
        self.check_required(message, &descriptor, apart, path);
    }

    /// A message from a value that has to be an object, unless it is one of the well-known.
    pub fn message(
        &mut self,
        descriptor: &MessageDescriptor,
        json: &Json<'_>,
        path: &Path<'_>,
        depth: usize,
    ) -> Option<DynamicMessage> {
        if depth > NESTING_MAX {
            self.faults.add(path, format!("lies deeper than {NESTING_MAX} levels"));
            return None;
        }
        if let Some(kind) = WellKnown::of(descriptor) {
            return self.well_known(kind, descriptor, json, path, depth);
        }
        let Json::Object(members) = json else {
            self.faults.add(path, format!("must be an object, not {}", json.kind()));
            return None;
        };
        let mut message = DynamicMessage::new(descriptor.clone());
        self.members(&mut message, members, None, path, depth);
        Some(message)
    }

    fn field(
        &mut self,
        field: &FieldDescriptor,
        json: &Json<'_>,
        path: &Path<'_>,
        depth: usize,
    ) -> Option<Value> {
        if field.is_map() {
            return self.map(&field.kind(), json, path, depth + 1);
        }
        if !field.is_list() {
            return self.single(&field.kind(), json, path, depth);
        }
        let Json::List(items) = json else {
            self.faults.add(path, format!("must be an array, not {}", json.kind()));
            return None;
        };
        let mut values = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            values.extend(self.single(&field.kind(), item, &path.item(index), depth));
        }
        Some(Value::List(values))
    }

    fn map(&mut self, kind: &Kind, json: &Json<'_>, path: &Path<'_>, depth: usize) -> Option<Value> {
        let entry = kind.as_message()?;
        let (key_kind, value_kind) =
            (entry.map_entry_key_field().kind(), entry.map_entry_value_field().kind());
        let Json::Object(members) = json else {
            self.faults.add(path, format!("must be an object, not {}", json.kind()));
            return None;
        };
        let mut values = HashMap::with_capacity(members.len());
        for (name, item) in members {
            let path = path.member(name);
            let value = self.single(&value_kind, item, &path, depth);
            match scalar::map_key(&key_kind, name) {
                Err(wrong) => self.faults.add(&path, wrong),
                Ok(key) if values.contains_key(&key) => self.faults.add(&path, "stands twice"),
                Ok(key) => drop(value.map(|value| values.insert(key, value))),
            }
        }
        Some(Value::Map(values))
    }

    fn single(&mut self, kind: &Kind, json: &Json<'_>, path: &Path<'_>, depth: usize) -> Option<Value> {
        match kind {
            Kind::Message(message) => self.message(message, json, path, depth + 1).map(Value::Message),
            Kind::Enum(kind) if kind.full_name() == NULL_VALUE && *json == Json::Null => {
                Some(Value::EnumNumber(0))
            }
            kind => match scalar::scalar(kind, json) {
                Ok(value) => Some(value),
                Err(wrong) => {
                    self.faults.add(path, wrong);
                    None
                }
            },
        }
    }

    /// A file that calls another shape by a well-known name makes values that do not fit.
    fn set(&mut self, message: &mut DynamicMessage, field: &FieldDescriptor, value: Value, path: &Path<'_>) {
        if message.try_set_field(field, value).is_err() {
            self.faults
                .add(path, format!("does not fit {}: its type is not what it is called", field.full_name()));
        }
    }

    fn check_alternatives(&mut self, field: &FieldDescriptor, message: &DynamicMessage, path: &Path<'_>) {
        let Some(oneof) = field.containing_oneof() else { return };
        let other = oneof.fields().find(|other| other != field && message.has_field(other));
        if let Some(other) = other {
            let (name, other) = (oneof.name(), quoted(other.name()));
            self.faults.add(path, format!("cannot stand beside {other}: only one of {name} may be there"));
        }
    }

    fn check_required(
        &mut self,
        message: &DynamicMessage,
        descriptor: &MessageDescriptor,
        apart: Option<&FieldDescriptor>,
        path: &Path<'_>,
    ) {
        for field in required(descriptor).filter(|field| apart != Some(field) && !message.has_field(field)) {
            self.faults.add(&path.member(field.name()), "is required");
        }
    }
}

/// The fields that the file's own syntax requires.
pub(super) fn required(descriptor: &MessageDescriptor) -> impl Iterator<Item = FieldDescriptor> + '_ {
    let may_require = descriptor.parent_file().syntax() != Syntax::Proto3;
    let fields = descriptor.fields().filter(|field| field.cardinality() == Cardinality::Required);
    fields.filter(move |_| may_require)
}

pub(super) fn field(descriptor: &MessageDescriptor, name: &str) -> Option<FieldDescriptor> {
    descriptor.get_field_by_json_name(name).or_else(|| descriptor.get_field_by_name(name))
}

/// Null does, save where null is a value.
fn stands_for_absence(field: &FieldDescriptor, json: &Json<'_>) -> bool {
    let has_null = match field.kind() {
        Kind::Message(message) => WellKnown::of(&message) == Some(WellKnown::Value),
        Kind::Enum(kind) => kind.full_name() == NULL_VALUE,
        _ => false,
    };
    *json == Json::Null && (!has_null || field.is_list() || field.is_map())
}

/// Whether a member of this name, in either form, was there once.
fn is_reserved(descriptor: &MessageDescriptor, name: &str) -> bool {
    let plain = |text: &str| text.replace('_', "").to_ascii_lowercase();
    let is_it = |reserved: &str| {
        let is_camel = !name.contains('_') && !name.starts_with(|first: char| first.is_ascii_uppercase());
        reserved == name || (is_camel && plain(reserved) == plain(name))
    };
    descriptor.reserved_names().any(is_it)
}

#[cfg(test)]
mod tests;
