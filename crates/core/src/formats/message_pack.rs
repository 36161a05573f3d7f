//! MessagePack bodies: a map is an event, an array has one for each element; several may follow one another.
//!
//! **Constraint.** A value's end is found before it is read, without a stack, so that one bad value does not hide the
//! next and none can lie too deep.

use std::fmt::Display;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rmp::Marker;

use super::json::NESTING_MAX;
use super::translation::{Translation, refuse_json, write_text};
use super::{Fault, Malformed, Members, Place, SplitError};
use crate::schema::write_timestamp;

/// The extension type that MessagePack itself defines.
const TIMESTAMP: u8 = 0xFF;

/// One member for each map, and for each element of an array.
pub fn split(body: &[u8]) -> Result<Members, SplitError> {
    // In MessagePack, these would be numbers.
    refuse_json(body, "MessagePack")?;
    let mut translation = Translation::default();
    let mut rest = Bits(body);
    // Elements of an array that are still to come.
    let mut elements = 0_u64;
    while elements > 0 || !rest.0.is_empty() {
        let wrong =
            |what: &str| Malformed { detail: what.to_owned(), place: Place::Byte(body.len() - rest.0.len()) };
        let mut ahead = Bits(rest.0);
        let head = ahead.head().ok_or_else(|| wrong("the MessagePack ends too early"))?;
        if let (Head::List(count), 0) = (&head, elements) {
            (elements, rest) = ((*count).into(), ahead);
            continue;
        }
        let length = rest.length().map_err(wrong)?;
        let (member, after) = rest.0.split_at(length);
        translation.add(|out| value(&mut Bits(member), out, 0))?;
        (elements, rest) = (elements.saturating_sub(1), Bits(after));
    }
    Ok(translation.into_members())
}

/// Bytes that are still to be read.
#[derive(Clone, Copy)]
struct Bits<'b>(&'b [u8]);

/// What stands at the beginning of a value; all of it, where it has no parts.
enum Head<'b> {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float32(f32),
    Float64(f64),
    Text(&'b [u8]),
    Bytes(&'b [u8]),
    Extension(u8, &'b [u8]),
    List(u32),
    /// The number of members.
    Map(u32),
    /// A byte that MessagePack never uses.
    Reserved,
}

impl<'b> Bits<'b> {
    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn length_of(&mut self, width: usize) -> Option<u32> {
        let bytes = self.take(width)?;
        Some(bytes.iter().fold(0, |length, byte| length << 8 | u32::from(*byte)))
    }

    fn text(&mut self, width: usize) -> Option<Head<'b>> {
        let length = self.length_of(width)?;
        Some(Head::Text(self.take(usize::try_from(length).ok()?)?))
    }

    fn bytes(&mut self, width: usize) -> Option<Head<'b>> {
        let length = self.length_of(width)?;
        Some(Head::Bytes(self.take(usize::try_from(length).ok()?)?))
    }

    fn extension(&mut self, length: u32) -> Option<Head<'b>> {
        let [kind] = self.array()?;
        Some(Head::Extension(kind, self.take(usize::try_from(length).ok()?)?))
    }

    /// Takes a head; `None` where the bytes end before it.
    fn head(&mut self) -> Option<Head<'b>> {
        let [first] = self.array()?;
        Some(match Marker::from_u8(first) {
            Marker::Null => Head::Null,
            Marker::True => Head::Bool(true),
            Marker::False => Head::Bool(false),
            Marker::FixPos(value) => Head::Unsigned(value.into()),
            Marker::FixNeg(value) => Head::Signed(value.into()),
            Marker::U8 => Head::Unsigned(u8::from_be_bytes(self.array()?).into()),
            Marker::U16 => Head::Unsigned(u16::from_be_bytes(self.array()?).into()),
            Marker::U32 => Head::Unsigned(u32::from_be_bytes(self.array()?).into()),
            Marker::U64 => Head::Unsigned(u64::from_be_bytes(self.array()?)),
            Marker::I8 => Head::Signed(i8::from_be_bytes(self.array()?).into()),
            Marker::I16 => Head::Signed(i16::from_be_bytes(self.array()?).into()),
            Marker::I32 => Head::Signed(i32::from_be_bytes(self.array()?).into()),
            Marker::I64 => Head::Signed(i64::from_be_bytes(self.array()?)),
            Marker::F32 => Head::Float32(f32::from_be_bytes(self.array()?)),
            Marker::F64 => Head::Float64(f64::from_be_bytes(self.array()?)),
            Marker::FixStr(length) => Head::Text(self.take(length.into())?),
            Marker::Str8 => self.text(1)?,
            Marker::Str16 => self.text(2)?,
            Marker::Str32 => self.text(4)?,
            Marker::Bin8 => self.bytes(1)?,
            Marker::Bin16 => self.bytes(2)?,
            Marker::Bin32 => self.bytes(4)?,
            Marker::FixExt1 => self.extension(1)?,
            Marker::FixExt2 => self.extension(2)?,
            Marker::FixExt4 => self.extension(4)?,
            Marker::FixExt8 => self.extension(8)?,
            Marker::FixExt16 => self.extension(16)?,
            Marker::Ext8 => self.length_of(1).and_then(|length| self.extension(length))?,
            Marker::Ext16 => self.length_of(2).and_then(|length| self.extension(length))?,
            Marker::Ext32 => self.length_of(4).and_then(|length| self.extension(length))?,
            Marker::FixArray(count) => Head::List(count.into()),
            Marker::Array16 => Head::List(self.length_of(2)?),
            Marker::Array32 => Head::List(self.length_of(4)?),
            Marker::FixMap(count) => Head::Map(count.into()),
            Marker::Map16 => Head::Map(self.length_of(2)?),
            Marker::Map32 => Head::Map(self.length_of(4)?),
            Marker::Reserved => Head::Reserved,
        })
    }

    /// How many bytes the value at the beginning has, parts included.
    fn length(self) -> Result<usize, &'static str> {
        let mut ahead = self;
        let mut left = 1_u64;
        while left > 0 {
            // Each value has a byte at least.
            if left > ahead.0.len() as u64 {
                return Err("the MessagePack ends too early");
            }
            let parts = match ahead.head().ok_or("the MessagePack ends too early")? {
                Head::List(count) => count.into(),
                Head::Map(count) => u64::from(count) * 2,
                Head::Reserved => return Err("the byte 0xC1 is no MessagePack"),
                _ => 0,
            };
            left = left - 1 + parts;
        }
        Ok(self.0.len() - ahead.0.len())
    }
}

/// Appends one value, whose end was found before, as JSON.
fn value(bits: &mut Bits<'_>, out: &mut Vec<u8>, depth: usize) -> Result<(), Fault> {
    if depth > NESTING_MAX {
        let detail = format!("maps and arrays may be nested {NESTING_MAX} deep, not more");
        return Err(Fault::new("too_deep", detail));
    }
    let Some(head) = bits.head() else { return Err(invalid("it ends too early")) };
    let written = match head {
        Head::Null => "null".to_owned(),
        Head::Bool(value) => value.to_string(),
        Head::Unsigned(value) => value.to_string(),
        Head::Signed(value) => value.to_string(),
        Head::Float32(value) if value.is_finite() => serde_json::to_string(&value).unwrap_or_default(),
        Head::Float64(value) if value.is_finite() => serde_json::to_string(&value).unwrap_or_default(),
        Head::Float32(_) | Head::Float64(_) => return Err(invalid("a number is NaN or infinite")),
        Head::Text(bytes) => return text(bytes).map(|text| write_text(out, text)),
        Head::Bytes(bytes) => format!("\"{}\"", STANDARD.encode(bytes)),
        Head::Extension(TIMESTAMP, bytes) => {
            let moment = timestamp(bytes).ok_or_else(|| invalid("a timestamp is out of its bounds"))?;
            format!("\"{moment}\"")
        }
        Head::Extension(kind, _) => return Err(invalid(format_args!("extension {} is unknown", kind as i8))),
        Head::List(count) => return list(bits, out, count, depth),
        Head::Map(count) => return map(bits, out, count, depth),
        Head::Reserved => return Err(invalid("0xC1 is not used")),
    };
    out.extend_from_slice(written.as_bytes());
    Ok(())
}

fn list(bits: &mut Bits<'_>, out: &mut Vec<u8>, count: u32, depth: usize) -> Result<(), Fault> {
    out.push(b'[');
    for index in 0..count {
        if index > 0 {
            out.push(b',');
        }
        value(bits, out, depth + 1)?;
    }
    out.push(b']');
    Ok(())
}

fn map(bits: &mut Bits<'_>, out: &mut Vec<u8>, count: u32, depth: usize) -> Result<(), Fault> {
    out.push(b'{');
    for index in 0..count {
        if index > 0 {
            out.push(b',');
        }
        match bits.head() {
            Some(Head::Text(bytes)) => write_text(out, text(bytes)?),
            _ => return Err(invalid("a map's key is no string")),
        }
        out.push(b':');
        value(bits, out, depth + 1)?;
    }
    out.push(b'}');
    Ok(())
}

fn text(bytes: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(bytes).map_err(|_| Fault::new("invalid_utf8", "a string is not UTF-8"))
}

/// Seconds in 32 bits; nanoseconds in 30 bits and seconds in 34; nanoseconds in 32 and seconds in 64.
fn timestamp(bytes: &[u8]) -> Option<String> {
    let number = |bytes: &[u8]| bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let (seconds, nanos) = match bytes.len() {
        4 => (number(bytes).cast_signed(), 0),
        8 => ((number(bytes) & ((1 << 34) - 1)).cast_signed(), number(bytes) >> 34),
        12 => (number(&bytes[4..]).cast_signed(), number(&bytes[..4])),
        _ => return None,
    };
    write_timestamp(seconds, i32::try_from(nanos).ok()?)
}

fn invalid(what: impl Display) -> Fault {
    Fault::new("invalid_message_pack", format!("JSON has no word for it: {what}"))
}

#[cfg(test)]
mod tests;
