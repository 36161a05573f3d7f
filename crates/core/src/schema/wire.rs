//! From a message to its wire form, and back.
//!
//! **Constraints.** The same message makes the same bytes: fields in the order of their numbers, within one another
//! too, maps by key. No bytes make the reader panic, and what it makes of them is bounded by [`MESSAGE_MAX_BYTES`].

use std::collections::HashMap;

use prost::encoding::{WireType, encode_key, encode_varint};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};

use super::fault::{MemberFault, Path};
use super::write::by_key;

/// The largest message, on the wire. In memory, one may take sixty times as much.
pub const MESSAGE_MAX_BYTES: usize = 1024 * 1024;

/// The message's bytes; a fault where they are too many.
pub(super) fn encode(message: &DynamicMessage) -> Result<Vec<u8>, MemberFault> {
    let mut out = Vec::with_capacity(256);
    write_message(&mut out, message);
    check_size(out.len())?;
    Ok(out)
}

/// The message that the bytes are.
pub(super) fn decode(descriptor: &MessageDescriptor, bytes: &[u8]) -> Result<DynamicMessage, MemberFault> {
    check_size(bytes.len())?;
    DynamicMessage::decode(descriptor.clone(), bytes).map_err(|error| {
        let what = format!("is no {}: {error}", descriptor.full_name());
        MemberFault::at(&Path::beginning(""), what)
    })
}

fn check_size(size_bytes: usize) -> Result<(), MemberFault> {
    match size_bytes <= MESSAGE_MAX_BYTES {
        true => Ok(()),
        false => {
            let what =
                format!("has {size_bytes} bytes in Protobuf's form; at most {MESSAGE_MAX_BYTES} are taken");
            Err(MemberFault::at(&Path::beginning(""), what))
        }
    }
}

fn write_message(out: &mut Vec<u8>, message: &DynamicMessage) {
    for (field, value) in message.fields() {
        write_field(out, &field, value);
    }
}

fn write_field(out: &mut Vec<u8>, field: &FieldDescriptor, value: &Value) {
    let kind = field.kind();
    match value {
        Value::List(items) if field.is_packed() => {
            let mut packed = Vec::with_capacity(items.len());
            for item in items {
                write_scalar(&mut packed, &kind, item);
            }
            write_delimited(out, field.number(), &packed);
        }
        Value::List(items) => {
            for item in items {
                write_single(out, field, &kind, item);
            }
        }
        Value::Map(entries) => write_map(out, field.number(), &kind, entries),
        single => write_single(out, field, &kind, single),
    }
}

fn write_map(out: &mut Vec<u8>, number: u32, kind: &Kind, entries: &HashMap<MapKey, Value>) {
    let Some(entry) = kind.as_message() else { return };
    let (key_field, value_field) = (entry.map_entry_key_field(), entry.map_entry_value_field());
    let (key_kind, value_kind) = (key_field.kind(), value_field.kind());
    for (key, value) in by_key(entries) {
        let mut bytes = Vec::new();
        write_single(&mut bytes, &key_field, &key_kind, &key.clone().into());
        write_single(&mut bytes, &value_field, &value_kind, value);
        write_delimited(out, number, &bytes);
    }
}

fn write_single(out: &mut Vec<u8>, field: &FieldDescriptor, kind: &Kind, value: &Value) {
    match value {
        Value::Message(message) if field.is_group() => {
            encode_key(field.number(), WireType::StartGroup, out);
            write_message(out, message);
            encode_key(field.number(), WireType::EndGroup, out);
        }
        Value::Message(message) => {
            let mut bytes = Vec::new();
            write_message(&mut bytes, message);
            write_delimited(out, field.number(), &bytes);
        }
        scalar => {
            encode_key(field.number(), kind.wire_type(), out);
            write_scalar(out, kind, scalar);
        }
    }
}

fn write_delimited(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// The value without its key. Integers of less than 64 bits keep their sign on the way.
fn write_scalar(out: &mut Vec<u8>, kind: &Kind, value: &Value) {
    match (value, kind) {
        (Value::Bool(value), _) => encode_varint(u64::from(*value), out),
        (Value::I32(value), Kind::Sint32) => {
            encode_varint(u64::from((*value << 1 ^ *value >> 31) as u32), out);
        }
        (Value::I32(value), Kind::Sfixed32) => out.extend_from_slice(&value.to_le_bytes()),
        (Value::I32(value) | Value::EnumNumber(value), _) => encode_varint(i64::from(*value) as u64, out),
        (Value::I64(value), Kind::Sint64) => encode_varint((*value << 1 ^ *value >> 63) as u64, out),
        (Value::I64(value), Kind::Sfixed64) => out.extend_from_slice(&value.to_le_bytes()),
        (Value::I64(value), _) => encode_varint(*value as u64, out),
        (Value::U32(value), Kind::Fixed32) => out.extend_from_slice(&value.to_le_bytes()),
        (Value::U32(value), _) => encode_varint(u64::from(*value), out),
        (Value::U64(value), Kind::Fixed64) => out.extend_from_slice(&value.to_le_bytes()),
        (Value::U64(value), _) => encode_varint(*value, out),
        (Value::F32(value), _) => out.extend_from_slice(&value.to_le_bytes()),
        (Value::F64(value), _) => out.extend_from_slice(&value.to_le_bytes()),
        (Value::String(text), _) => write_bytes(out, text.as_bytes()),
        (Value::Bytes(bytes), _) => write_bytes(out, bytes),
        // Those with parts are told apart before.
        (Value::Message(_) | Value::List(_) | Value::Map(_), _) => {}
    }
}

fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    encode_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}
