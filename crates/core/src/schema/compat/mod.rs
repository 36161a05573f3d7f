//! What a new version of the files would break for readers of what is stored by an old one.
//!
//! **Constraint.** Stored is both: the wire form, where a field is its number, and JSON, where it is its name. A change
//! is harmless only where it is so for both.
//!
//! Compared are the event types, and the messages and enums that are reached from them.

mod enums;
mod fields;

use std::collections::HashSet;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde::Serialize;

use super::registry::{NameError, Registry};

/// A change that breaks readers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Break {
    /// What kind of change it is.
    pub kind: BreakKind,
    /// What is changed, by its old name: `events.TestEvent.user_id`.
    pub place: String,
    /// What is the matter, and what would mend it.
    pub detail: String,
}

/// The kinds of changes that break readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakKind {
    /// An event type is not there any more.
    EventTypeGone,
    /// The name that clients and the log use leads nowhere, or to two types.
    NameGone,
    /// A field's number belongs to another one.
    NumberReused,
    /// A field goes by another name in JSON.
    Renamed,
    /// A field's type is another, and not one that reads the same.
    TypeChanged,
    /// A field is gone, and its number and name are free for others.
    FieldNotReserved,
    /// A field is new and required: what is stored does not have it.
    RequiredAdded,
    /// Fields that stood beside each other now exclude each other.
    ExclusionAdded,
    /// An enum value's number belongs to another one.
    ValueReused,
    /// An enum value is gone, and its number and name are free for others.
    ValueNotReserved,
}

/// What `new` breaks for readers of what `old` stored; empty where nothing.
pub fn breaks(old: &Registry, new: &Registry) -> Vec<Break> {
    let mut comparison = Comparison::default();
    for event_type in old.event_types() {
        let place = event_type.full_name();
        let Some(after) = new.event_types().find(|after| after.full_name() == place) else {
            let detail = "the event type is gone: what is stored of it can be read no more".to_owned();
            comparison.add(BreakKind::EventTypeGone, place, detail);
            continue;
        };
        match new.event_type(event_type.name()) {
            Ok(found) if found.full_name() == place => {}
            Ok(found) => {
                let detail = format!("{} now means {}", event_type.name(), found.full_name());
                comparison.add(BreakKind::NameGone, place, detail);
            }
            Err(error @ (NameError::Unknown { .. } | NameError::Ambiguous { .. })) => {
                comparison.add(BreakKind::NameGone, place, format!("its name {error}"));
            }
        }
        comparison.messages(&event_type.message.descriptor, &after.message.descriptor);
    }
    comparison.found
}

#[derive(Default)]
struct Comparison {
    found: Vec<Break>,
    /// Pairs of types that are compared already.
    seen: HashSet<(String, String)>,
}

impl Comparison {
    fn add(&mut self, kind: BreakKind, place: &str, detail: String) {
        self.found.push(Break { kind, place: place.to_owned(), detail });
    }

    fn is_new(&mut self, old: &str, new: &str) -> bool {
        self.seen.insert((old.to_owned(), new.to_owned()))
    }

    fn messages(&mut self, old: &MessageDescriptor, new: &MessageDescriptor) {
        if !self.is_new(old.full_name(), new.full_name()) {
            return;
        }
        for field in old.fields() {
            match new.get_field(field.number()) {
                Some(after) => self.fields(&field, &after),
                None => self.gone(&field, new),
            }
        }
        for field in new.fields().filter(FieldDescriptor::is_required) {
            if !old.get_field(field.number()).is_some_and(|before| before.is_required()) {
                let detail =
                    "is required now, and what is stored may not have it; make it optional".to_owned();
                self.add(BreakKind::RequiredAdded, field.full_name(), detail);
            }
        }
        self.exclusions(old, new);
    }

    /// A field that is gone does no harm where nobody else can ever take its number or its name.
    fn gone(&mut self, field: &FieldDescriptor, new: &MessageDescriptor) {
        let (number, name) = (field.number(), field.name());
        let mut lacks = Vec::new();
        if !new.reserved_ranges().any(|range| range.contains(&number)) {
            lacks.push(format!("reserved {number};"));
        }
        if !new.reserved_names().any(|reserved| reserved == name) {
            lacks.push(format!("reserved \"{name}\";"));
        }
        if !lacks.is_empty() {
            let detail = format!("is gone; add to {}: {}", new.full_name(), lacks.join(" "));
            self.add(BreakKind::FieldNotReserved, field.full_name(), detail);
        }
    }

    /// Of two fields of one oneof, a reader keeps the last.
    fn exclusions(&mut self, old: &MessageDescriptor, new: &MessageDescriptor) {
        for oneof in new.oneofs().filter(|oneof| !oneof.is_synthetic()) {
            let before: Vec<_> = oneof.fields().filter_map(|field| old.get_field(field.number())).collect();
            let apart = |field: &FieldDescriptor| {
                let others = before.iter().filter(|other| *other != field);
                others.into_iter().any(|other| {
                    other.containing_oneof().is_none() || other.containing_oneof() != field.containing_oneof()
                })
            };
            for field in before.iter().filter(|field| apart(field)) {
                let detail = format!("excludes now what stood beside it, by oneof {}", oneof.name());
                self.add(BreakKind::ExclusionAdded, field.full_name(), detail);
            }
        }
    }

    fn kinds(&mut self, place: &FieldDescriptor, old: &Kind, new: &Kind) {
        match (old, new) {
            (Kind::Message(old), Kind::Message(new)) => self.messages(old, new),
            (Kind::Enum(old), Kind::Enum(new)) => self.enums(old, new),
            (old, new) if fields::reads_the_same(old, new) => {}
            (old, new) => {
                let (old, new) = (super::outline::word(old), super::outline::word(new));
                let detail = format!("was {old} and is {new}; give the new type a field of its own");
                self.add(BreakKind::TypeChanged, place.full_name(), detail);
            }
        }
    }
}

#[cfg(test)]
mod tests;
