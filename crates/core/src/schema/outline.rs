//! A message's fields, as they are shown to people.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

/// One field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldOutline {
    /// Its number on the wire.
    pub number: u32,
    /// Its name in the file.
    pub name: String,
    /// Its name in JSON.
    pub json_name: String,
    /// Its type as the file has it: `optional int64`, `repeated events.Item`, `map<string, bool>`.
    pub kind: String,
}

pub(super) fn outline(message: &MessageDescriptor) -> Vec<FieldOutline> {
    let field = |field: FieldDescriptor| FieldOutline {
        number: field.number(),
        name: field.name().to_owned(),
        json_name: field.json_name().to_owned(),
        kind: kind(&field),
    };
    let mut fields: Vec<_> = message.fields().map(field).collect();
    fields.sort_unstable_by_key(|field| field.number);
    fields
}

fn kind(field: &FieldDescriptor) -> String {
    match field.kind() {
        Kind::Message(entry) if field.is_map() => {
            let (key, value) = (entry.map_entry_key_field().kind(), entry.map_entry_value_field().kind());
            format!("map<{}, {}>", word(&key), word(&value))
        }
        kind if field.is_list() => format!("repeated {}", word(&kind)),
        kind if field.is_required() => format!("required {}", word(&kind)),
        kind if field.supports_presence()
            && field.containing_oneof().is_none_or(|oneof| oneof.is_synthetic()) =>
        {
            format!("optional {}", word(&kind))
        }
        kind => word(&kind),
    }
}

/// A type as a file writes it.
pub(super) fn word(kind: &Kind) -> String {
    match kind {
        Kind::Message(message) => message.full_name().to_owned(),
        Kind::Enum(kind) => kind.full_name().to_owned(),
        // Called as in a file, but for its first letter.
        scalar => format!("{scalar:?}").to_ascii_lowercase(),
    }
}
