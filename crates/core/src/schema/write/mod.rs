//! From a message to JSON, by the Protobuf JSON mapping.
//!
//! **Constraints.** The same message makes the same text: fields in the order of their numbers, maps by key. What is
//! there is written, also where it is a default; what the schema does not know is not left out in silence but a fault,
//! unless the schema keeps it `reserved`.

mod well_known;

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prost_reflect::{DynamicMessage, EnumDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage, Value};

use super::fault::{MemberFault, Path};
use super::read::{knows_number, required};
use super::well_known::{NULL_VALUE, WellKnown};

/// A number without end has a word of its own.
const NOT_FINITE: [&str; 3] = ["\"NaN\"", "\"Infinity\"", "\"-Infinity\""];

/// Appends the message as JSON.
pub(super) fn message(
    out: &mut Vec<u8>,
    message: &DynamicMessage,
    path: &Path<'_>,
) -> Result<(), MemberFault> {
    let descriptor = message.descriptor();
    check(message, &descriptor, path)?;
    if let Some(kind) = WellKnown::of(&descriptor) {
        return well_known::write(kind, out, message, path);
    }
    out.push(b'{');
    for (index, (field, value)) in message.fields().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        text(out, field.json_name());
        out.push(b':');
        self::value(out, value, &field.kind(), &path.member(field.json_name()))?;
    }
    out.push(b'}');
    Ok(())
}

/// Refuses what JSON would not say.
fn check(
    message: &DynamicMessage,
    descriptor: &MessageDescriptor,
    path: &Path<'_>,
) -> Result<(), MemberFault> {
    let name = descriptor.full_name();
    if let Some(field) = required(descriptor).find(|field| !message.has_field(field)) {
        return Err(MemberFault::at(&path.member(field.name()), "is required"));
    }
    if let Some((extension, _)) = message.extensions().next() {
        let what = format!("has the extension {}, and extensions are not taken", extension.full_name());
        return Err(MemberFault::at(path, what));
    }
    let is_reserved = |number| descriptor.reserved_ranges().any(|range| range.contains(&number));
    match message.unknown_fields().map(|field| field.number()).find(|number| !is_reserved(*number)) {
        None => Ok(()),
        Some(number) => {
            let what = format!("has field {number}, which {name} does not: give the registry its newer file");
            Err(MemberFault::at(path, what))
        }
    }
}

fn value(out: &mut Vec<u8>, value: &Value, kind: &Kind, path: &Path<'_>) -> Result<(), MemberFault> {
    match (value, kind) {
        (Value::List(items), _) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                self::value(out, item, kind, &path.item(index))?;
            }
            out.push(b']');
            Ok(())
        }
        (Value::Map(entries), Kind::Message(entry)) => {
            map(out, entries, &entry.map_entry_value_field().kind(), path)
        }
        (Value::Message(message), _) => self::message(out, message, path),
        (Value::EnumNumber(number), Kind::Enum(kind)) => enum_name(out, kind, *number, path),
        (value, _) => {
            scalar(out, value);
            Ok(())
        }
    }
}

fn map(
    out: &mut Vec<u8>,
    entries: &HashMap<MapKey, Value>,
    kind: &Kind,
    path: &Path<'_>,
) -> Result<(), MemberFault> {
    out.push(b'{');
    for (index, (key, item)) in by_key(entries).into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let name = match key {
            MapKey::Bool(key) => key.to_string(),
            MapKey::I32(key) => key.to_string(),
            MapKey::I64(key) => key.to_string(),
            MapKey::U32(key) => key.to_string(),
            MapKey::U64(key) => key.to_string(),
            MapKey::String(key) => key.clone(),
        };
        text(out, &name);
        out.push(b':');
        value(out, item, kind, &path.member(&name))?;
    }
    out.push(b'}');
    Ok(())
}

/// The entries of a map in the order that makes the same map the same bytes.
pub(super) fn by_key(entries: &HashMap<MapKey, Value>) -> Vec<(&MapKey, &Value)> {
    let mut sorted: Vec<_> = entries.iter().collect();
    sorted.sort_unstable_by_key(|(key, _)| *key);
    sorted
}

fn enum_name(
    out: &mut Vec<u8>,
    kind: &EnumDescriptor,
    number: i32,
    path: &Path<'_>,
) -> Result<(), MemberFault> {
    match kind.get_value(number) {
        _ if kind.full_name() == NULL_VALUE => out.extend_from_slice(b"null"),
        Some(value) => text(out, value.name()),
        None if knows_number(kind, number) => scalar(out, &Value::I32(number)),
        None => {
            let what = format!("is {number}, which {} does not have", kind.full_name());
            return Err(MemberFault::at(path, what));
        }
    }
    Ok(())
}

/// What has no parts.
fn scalar(out: &mut Vec<u8>, value: &Value) {
    let not_finite = |is_nan: bool, is_positive: bool| match (is_nan, is_positive) {
        (true, _) => NOT_FINITE[0],
        (false, true) => NOT_FINITE[1],
        (false, false) => NOT_FINITE[2],
    };
    let written = match value {
        Value::Bool(value) => value.to_string(),
        Value::I32(value) => value.to_string(),
        Value::U32(value) => value.to_string(),
        Value::I64(value) => format!("\"{value}\""),
        Value::U64(value) => format!("\"{value}\""),
        Value::F32(value) if value.is_finite() => serde_json::to_string(value).unwrap_or_default(),
        Value::F64(value) if value.is_finite() => serde_json::to_string(value).unwrap_or_default(),
        Value::F32(value) => not_finite(value.is_nan(), *value > 0.0).to_owned(),
        Value::F64(value) => not_finite(value.is_nan(), *value > 0.0).to_owned(),
        Value::Bytes(bytes) => format!("\"{}\"", STANDARD.encode(bytes)),
        Value::String(value) => return text(out, value),
        // Those with parts are told apart before.
        Value::EnumNumber(_) | Value::Message(_) | Value::List(_) | Value::Map(_) => return,
    };
    out.extend_from_slice(written.as_bytes());
}

fn text(out: &mut Vec<u8>, text: &str) {
    // Writing text into memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}
