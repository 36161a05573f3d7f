//! The well-known messages as JSON.

use prost_reflect::{DynamicMessage, Kind, ReflectMessage, Value};

use super::{map, scalar, text, value};
use crate::schema::fault::{MemberFault, Path};
use crate::schema::moment::{write_duration, write_timestamp};
use crate::schema::well_known::{ANY, WellKnown, mask_to_json};

/// Every integer below is a float of its own.
const WHOLE_BELOW: f64 = 9_007_199_254_740_992.0;

pub(super) fn write(
    kind: WellKnown,
    out: &mut Vec<u8>,
    message: &DynamicMessage,
    path: &Path<'_>,
) -> Result<(), MemberFault> {
    let parts = || {
        let part = |number| message.get_field_by_number(number).map(|value| value.into_owned());
        let seconds = part(1).and_then(|seconds| seconds.as_i64());
        Some((seconds?, part(2).and_then(|nanos| nanos.as_i32())?))
    };
    let written = match kind {
        WellKnown::Timestamp => parts().and_then(|(seconds, nanos)| write_timestamp(seconds, nanos)),
        WellKnown::Duration => parts().and_then(|(seconds, nanos)| write_duration(seconds, nanos)),
        WellKnown::FieldMask => mask(message),
        WellKnown::Wrapper => return first(out, message, path),
        WellKnown::Struct => return structure(out, message, path),
        WellKnown::List => return first(out, message, path),
        WellKnown::Value => return dynamic(out, message, path),
        WellKnown::Any => return Err(MemberFault::at(path, ANY)),
    };
    match written {
        Some(written) => text(out, &written),
        None => {
            let name = message.descriptor().full_name().to_owned();
            return Err(MemberFault::at(path, format!("is a {name} that JSON cannot say")));
        }
    }
    Ok(())
}

/// The value of the only field, its default where it is absent.
fn first(out: &mut Vec<u8>, message: &DynamicMessage, path: &Path<'_>) -> Result<(), MemberFault> {
    let descriptor = message.descriptor();
    match descriptor.get_field(1) {
        Some(field) => value(out, &message.get_field(&field), &field.kind(), path),
        None => Err(MemberFault::at(path, "is not what its type is called")),
    }
}

fn structure(out: &mut Vec<u8>, message: &DynamicMessage, path: &Path<'_>) -> Result<(), MemberFault> {
    let field = message.descriptor().get_field(1).filter(|field| field.is_map());
    let entry = field.as_ref().map(|field| (field, field.kind()));
    match &entry {
        Some((field, Kind::Message(entry))) => match message.get_field(field).as_ref() {
            Value::Map(entries) => map(out, entries, &entry.map_entry_value_field().kind(), path),
            _ => Err(MemberFault::at(path, "is not what its type is called")),
        },
        _ => Err(MemberFault::at(path, "is not what its type is called")),
    }
}

/// Whatever it is; null where nothing is set.
fn dynamic(out: &mut Vec<u8>, message: &DynamicMessage, path: &Path<'_>) -> Result<(), MemberFault> {
    match message.fields().next() {
        None => out.extend_from_slice(b"null"),
        Some((_, Value::F64(number))) if !number.is_finite() => {
            return Err(MemberFault::at(path, "is a number without end, which JSON cannot say here"));
        }
        // As whoever sent it will have written it.
        Some((_, Value::F64(number))) if is_whole(*number) => {
            out.extend_from_slice((*number as i64).to_string().as_bytes());
        }
        Some((_, number @ Value::F64(_))) => scalar(out, number),
        Some((field, inner)) => return value(out, inner, &field.kind(), path),
    }
    Ok(())
}

fn is_whole(number: f64) -> bool {
    let is_negative_zero = number == 0.0 && number.is_sign_negative();
    number.fract() == 0.0 && number.abs() < WHOLE_BELOW && !is_negative_zero
}

fn mask(message: &DynamicMessage) -> Option<String> {
    let paths = message.get_field_by_number(1)?;
    let paths = paths.as_list()?.iter().map(|path| mask_to_json(path.as_str()?));
    Some(paths.collect::<Option<Vec<_>>>()?.join(","))
}
