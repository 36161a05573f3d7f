//! Two enums of one field.

use prost_reflect::EnumDescriptor;

use super::{BreakKind, Comparison};

impl Comparison {
    pub(super) fn enums(&mut self, old: &EnumDescriptor, new: &EnumDescriptor) {
        if !self.is_new(old.full_name(), new.full_name()) {
            return;
        }
        for value in old.values() {
            let (number, name) = (value.number(), value.name());
            let place = format!("{}.{name}", old.full_name());
            // Several names may share a number.
            let names =
                new.values().filter(|after| after.number() == number).map(|after| after.name().to_owned());
            let names: Vec<String> = names.collect();
            if names.iter().any(|after| after == name) {
                continue;
            }
            if let Some(after) = names.first() {
                let detail =
                    format!("number {number} belongs to {after} now; give that one a number of its own");
                self.add(BreakKind::ValueReused, &place, detail);
                continue;
            }
            let mut lacks = Vec::new();
            if !new.reserved_ranges().any(|range| range.contains(&number)) {
                lacks.push(format!("reserved {number};"));
            }
            if !new.reserved_names().any(|reserved| reserved == name) {
                lacks.push(format!("reserved \"{name}\";"));
            }
            if !lacks.is_empty() {
                let detail = format!("is gone; add to {}: {}", new.full_name(), lacks.join(" "));
                self.add(BreakKind::ValueNotReserved, &place, detail);
            }
        }
    }
}
