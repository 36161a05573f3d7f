//! Two fields of one number.

use prost_reflect::{FieldDescriptor, Kind};

use super::{BreakKind, Comparison};
use crate::schema::well_known::WellKnown;

impl Comparison {
    pub(super) fn fields(&mut self, old: &FieldDescriptor, new: &FieldDescriptor) {
        if old.name() != new.name() && !is_map_entry(old) {
            let number = old.number();
            let detail =
                format!("number {number} belongs to {} now; give that one a number of its own", new.name());
            self.add(BreakKind::NumberReused, old.full_name(), detail);
            return;
        }
        if old.json_name() != new.json_name() {
            let detail = format!("is {:?} in stored JSON, and {:?} now", old.json_name(), new.json_name());
            self.add(BreakKind::Renamed, old.full_name(), detail);
        }
        let (before, after) = (shape(old), shape(new));
        if before != after {
            let detail = format!("was {before} and is {after}");
            self.add(BreakKind::TypeChanged, old.full_name(), detail);
            return;
        }
        self.kinds(old, &old.kind(), &new.kind());
    }
}

fn is_map_entry(field: &FieldDescriptor) -> bool {
    field.parent_message().is_map_entry()
}

/// What a field's value looks like in JSON and on the wire, whatever its type.
fn shape(field: &FieldDescriptor) -> &'static str {
    let well_known = match field.kind() {
        Kind::Message(message) => WellKnown::of(&message),
        _ => None,
    };
    match well_known {
        _ if field.is_map() => "a map",
        _ if field.is_list() => "repeated",
        _ if field.is_group() => "a group",
        Some(WellKnown::Timestamp) => "a timestamp",
        Some(WellKnown::Duration) => "a duration",
        Some(WellKnown::FieldMask) => "a field mask",
        Some(WellKnown::Wrapper) => "a wrapper",
        Some(WellKnown::Struct) => "any object",
        Some(WellKnown::Value) => "any value",
        Some(WellKnown::List) => "any array",
        Some(WellKnown::Any) => "any message",
        None => "a single value",
    }
}

/// Whether what was written as one type reads the same as the other, on the wire and in JSON: wider integers do.
pub(super) fn reads_the_same(old: &Kind, new: &Kind) -> bool {
    use Kind::{Int32, Int64, Sint32, Sint64, Uint32, Uint64};
    let is_wider =
        matches!((old, new), (Int32, Int64) | (Uint32, Uint64) | (Uint32, Int64) | (Sint32, Sint64));
    is_wider || old == new
}
