//! Numbers, words, bytes and enum values out of JSON.
//!
//! What is wrong is told as the rest of a sentence that begins with the member's path.

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use prost_reflect::{EnumDescriptor, Kind, MapKey, Value};

use crate::schema::fault::quoted;
use crate::schema::json::{Json, Number};

/// The most names that an error lists.
const NAMED_MAX: usize = 20;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);

/// A value of a kind that is no message.
pub(super) fn scalar(kind: &Kind, json: &Json<'_>) -> Result<Value, String> {
    Ok(match kind {
        Kind::Bool => match json {
            Json::Bool(value) => Value::Bool(*value),
            other => return Err(format!("must be true or false, not {}", other.kind())),
        },
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(integer(json)?),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(integer(json)?),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(integer(json)?),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(integer(json)?),
        Kind::Double => Value::F64(float(json)?),
        Kind::Float => Value::F32(narrowed(float(json)?)?),
        Kind::String => Value::String(text(json)?.to_owned()),
        Kind::Bytes => Value::Bytes(bytes(text(json)?)?.into()),
        Kind::Enum(kind) => Value::EnumNumber(enum_number(kind, json)?),
        Kind::Message(_) => return Err(format!("must be an object, not {}", json.kind())),
    })
}

/// A map's key: in JSON always text.
pub(super) fn map_key(kind: &Kind, name: &str) -> Result<MapKey, String> {
    let json = match (kind, name) {
        (Kind::Bool, "true") => Json::Bool(true),
        (Kind::Bool, "false") => Json::Bool(false),
        _ => Json::Text(name.into()),
    };
    let wrong = |why: String| format!("is no key of this map: it {why}");
    let key = scalar(kind, &json).map_err(wrong)?.into_map_key();
    key.ok_or_else(|| "is no key of a map".to_owned())
}

/// The bounds of an integer's type.
pub(super) trait Bounded: TryFrom<i128> {
    const BOUNDS: &'static str;
}

impl Bounded for i32 {
    const BOUNDS: &'static str = "-2147483648 to 2147483647";
}

impl Bounded for i64 {
    const BOUNDS: &'static str = "-9223372036854775808 to 9223372036854775807";
}

impl Bounded for u32 {
    const BOUNDS: &'static str = "0 to 4294967295";
}

impl Bounded for u64 {
    const BOUNDS: &'static str = "0 to 18446744073709551615";
}

fn integer<T: Bounded>(json: &Json<'_>) -> Result<T, String> {
    let value = whole(json).ok_or_else(|| match json {
        Json::Number(_) => "must be an integer: it has a fraction".to_owned(),
        Json::Text(text) => format!("must be an integer, not {}", quoted(text)),
        other => format!("must be an integer, or one as a string, not {}", other.kind()),
    })?;
    T::try_from(value).map_err(|_| format!("must be from {}", T::BOUNDS))
}

/// The integer that a number, or a text, stands for; `1.0` and `1e3` are integers.
pub(in crate::schema) fn whole(json: &Json<'_>) -> Option<i128> {
    match json {
        Json::Number(Number::Unsigned(value)) => Some((*value).into()),
        Json::Number(Number::Negative(value)) => Some((*value).into()),
        Json::Number(Number::Float(value)) => whole_float(*value),
        Json::Text(text) => {
            let digits = text.strip_prefix('-').unwrap_or(text);
            match !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
                // More digits than 128 bits hold are beyond every type's bounds, too.
                true => Some(text.parse().unwrap_or(i128::MAX)),
                false => whole_float(number(text)?),
            }
        }
        _ => None,
    }
}

/// A float holds every integer up to 2^53; of larger ones it says only about where they are.
fn whole_float(value: f64) -> Option<i128> {
    (value.fract() == 0.0).then_some(value as i128)
}

fn float(json: &Json<'_>) -> Result<f64, String> {
    match json {
        Json::Number(Number::Unsigned(value)) => Ok(*value as f64),
        Json::Number(Number::Negative(value)) => Ok(*value as f64),
        Json::Number(Number::Float(value)) => Ok(*value),
        Json::Text(text) => match text.as_ref() {
            "NaN" => Ok(f64::NAN),
            "Infinity" => Ok(f64::INFINITY),
            "-Infinity" => Ok(f64::NEG_INFINITY),
            text => number(text).ok_or_else(|| format!("must be a number, not {}", quoted(text))),
        },
        other => Err(format!("must be a number, or one as a string, not {}", other.kind())),
    }
}

/// A text that is a JSON number and nothing else.
fn number(text: &str) -> Option<f64> {
    let blank = |byte: u8| byte.is_ascii_whitespace();
    let is_bare = !text.bytes().next().is_none_or(blank) && !text.bytes().next_back().is_none_or(blank);
    serde_json::from_str(text).ok().filter(|_| is_bare)
}

fn narrowed(value: f64) -> Result<f32, String> {
    let narrow = value as f32;
    match value.is_finite() && narrow.is_infinite() {
        true => Err("is too large for a float".to_owned()),
        false => Ok(narrow),
    }
}

fn text<'j>(json: &'j Json<'_>) -> Result<&'j str, String> {
    match json {
        Json::Text(text) => Ok(text),
        other => Err(format!("must be a string, not {}", other.kind())),
    }
}

/// Base64 in either alphabet, with or without padding.
fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let alphabet = if text.contains(['-', '_']) { URL_SAFE } else { STANDARD };
    let decoded = GeneralPurpose::new(&alphabet, LENIENT).decode(text);
    decoded.map_err(|_| format!("must be bytes in Base64, not {}", quoted(text)))
}

fn enum_number(kind: &EnumDescriptor, json: &Json<'_>) -> Result<i32, String> {
    match json {
        Json::Text(name) => match kind.get_value_by_name(name) {
            Some(value) => Ok(value.number()),
            None => Err(format!("must be one of {}, not {}", names(kind), quoted(name))),
        },
        Json::Number(_) => {
            let number = integer(json)?;
            match knows_number(kind, number) {
                true => Ok(number),
                false => Err(format!("must be one of {}, not {number}", names(kind))),
            }
        }
        other => Err(format!("must be one of {}, not {}", names(kind), other.kind())),
    }
}

/// Whether the enum has a value of this number, or had one that it keeps reserved.
pub(in crate::schema) fn knows_number(kind: &EnumDescriptor, number: i32) -> bool {
    kind.get_value(number).is_some() || kind.reserved_ranges().any(|range| range.contains(&number))
}

fn names(kind: &EnumDescriptor) -> String {
    let values: Vec<_> = kind.values().take(NAMED_MAX + 1).map(|value| value.name().to_owned()).collect();
    match values.get(..NAMED_MAX).filter(|_| values.len() > NAMED_MAX) {
        Some(first) => format!("{} …", first.join(", ")),
        None => values.join(", "),
    }
}
