//! The types that a column of one's own can have, and what each holds.
//!
//! Every such column is nullable, as an event may lack the member. ClickHouse itself would wrap numbers around and cut
//! times; here a column holds its type.

use weir_core::event::EventId;
use weir_core::selection::Value;

use super::binary::{write_not_null, write_null, write_text, write_uuid};
use super::moment;
use super::wide::Wide;
use crate::columns::fit;

/// A type, by ClickHouse's name for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Integer { bits: u16, is_signed: bool },
    Float32,
    Float64,
    Decimal { precision: u8, scale: u8 },
    String,
    LowCardinality,
    Bool,
    Date,
    Date32,
    DateTime,
    DateTime64 { precision: u8 },
    Uuid,
    Ipv4,
    Ipv6,
}

const TYPES: &str = "Int8 to Int256, UInt8 to UInt256, Float32, Float64, Decimal(P, S), Bool, String, \
    LowCardinality(String), Date, Date32, DateTime, DateTime64(P), UUID, IPv4 and IPv6, each of them also as Nullable(…)";

impl Kind {
    /// Reads a type's name; `Nullable(…)` around it changes nothing.
    pub fn parse(name: &str) -> Result<Self, String> {
        let plain: String = name.chars().filter(|letter| !letter.is_whitespace()).collect();
        let inner = argument(&plain, "Nullable").unwrap_or(&plain);
        Self::simple(inner)
            .or_else(|| Self::integer(inner))
            .or_else(|| Self::with_arguments(inner))
            .ok_or_else(|| format!("ClickHouse has no type {name:?} here; there are {TYPES}"))
    }

    fn simple(name: &str) -> Option<Self> {
        Some(match name {
            "Float32" => Self::Float32,
            "Float64" => Self::Float64,
            "Bool" => Self::Bool,
            "String" => Self::String,
            "LowCardinality(String)" | "LowCardinality(Nullable(String))" => Self::LowCardinality,
            "Date" => Self::Date,
            "Date32" => Self::Date32,
            "DateTime" => Self::DateTime,
            "UUID" => Self::Uuid,
            "IPv4" => Self::Ipv4,
            "IPv6" => Self::Ipv6,
            _ => return None,
        })
    }

    fn integer(name: &str) -> Option<Self> {
        let (is_signed, bits) = match name.strip_prefix("UInt") {
            Some(bits) => (false, bits),
            None => (true, name.strip_prefix("Int")?),
        };
        let bits = [8, 16, 32, 64, 128, 256].into_iter().find(|known: &u16| known.to_string() == bits)?;
        Some(Self::Integer { bits, is_signed })
    }

    fn with_arguments(name: &str) -> Option<Self> {
        if let Some(precision) = argument(name, "DateTime64") {
            let precision = precision.parse().ok().filter(|precision| *precision <= 9)?;
            return Some(Self::DateTime64 { precision });
        }
        let arguments = argument(name, "Decimal")?;
        let (precision, scale) = arguments.split_once(',').unwrap_or((arguments, "0"));
        let (precision, scale): (u8, u8) = (precision.parse().ok()?, scale.parse().ok()?);
        ((1..=76).contains(&precision) && scale <= precision).then_some(Self::Decimal { precision, scale })
    }

    /// The type as the table has it.
    pub fn type_name(self) -> String {
        let inner = match self {
            Self::Integer { bits, is_signed: true } => format!("Int{bits}"),
            Self::Integer { bits, is_signed: false } => format!("UInt{bits}"),
            Self::Float32 => "Float32".to_owned(),
            Self::Float64 => "Float64".to_owned(),
            Self::Decimal { precision, scale } => format!("Decimal({precision}, {scale})"),
            Self::String => "String".to_owned(),
            Self::LowCardinality => return "LowCardinality(Nullable(String))".to_owned(),
            Self::Bool => "Bool".to_owned(),
            Self::Date => "Date".to_owned(),
            Self::Date32 => "Date32".to_owned(),
            Self::DateTime => "DateTime('UTC')".to_owned(),
            Self::DateTime64 { precision } => format!("DateTime64({precision}, 'UTC')"),
            Self::Uuid => "UUID".to_owned(),
            Self::Ipv4 => "IPv4".to_owned(),
            Self::Ipv6 => "IPv6".to_owned(),
        };
        format!("Nullable({inner})")
    }

    /// Appends the value as the column holds it. `None` where it cannot; some of it may have been appended then.
    pub fn write(self, out: &mut Vec<u8>, value: &Value<'_>) -> Option<()> {
        if *value == Value::Null {
            write_null(out);
            return Some(());
        }
        write_not_null(out);
        match self {
            Self::Integer { bits, is_signed } => whole(value, 0)?.write(out, bits, is_signed)?,
            Self::Decimal { precision, scale } => {
                let number = whole(value, scale).filter(|number| number.has_digits(precision))?;
                number.write(out, decimal_bits(precision), true)?;
            }
            Self::Float32 => out.extend(fit::double(value).and_then(float)?.to_le_bytes()),
            Self::Float64 => out.extend(fit::double(value)?.to_le_bytes()),
            Self::String | Self::LowCardinality => write_text(out, &fit::text(value)?),
            Self::Bool => match value {
                Value::Bool(flag) => out.push(u8::from(*flag)),
                _ => return None,
            },
            Self::Date => out.extend(u16::try_from(moment::days(text(value)?)?).ok()?.to_le_bytes()),
            Self::Date32 => out.extend(moment::days(text(value)?)?.to_le_bytes()),
            Self::DateTime => out.extend(u32::try_from(moment::ticks(value, 0)?).ok()?.to_le_bytes()),
            Self::DateTime64 { precision } => out.extend(moment::ticks(value, precision)?.to_le_bytes()),
            Self::Uuid => write_uuid(out, EventId::parse(text(value)?)?),
            Self::Ipv4 => {
                out.extend(u32::from(text(value)?.parse::<std::net::Ipv4Addr>().ok()?).to_le_bytes());
            }
            Self::Ipv6 => out.extend(text(value)?.parse::<std::net::Ipv6Addr>().ok()?.octets()),
        }
        Some(())
    }
}

/// What stands between the brackets of `NAME(…)`.
fn argument<'n>(text: &'n str, name: &str) -> Option<&'n str> {
    text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')')
}

fn whole(value: &Value<'_>, scale: u8) -> Option<Wide> {
    match value {
        Value::Number(number) => Wide::scaled(number, scale),
        _ => None,
    }
}

fn text<'v>(value: &'v Value<'_>) -> Option<&'v str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// The nearest of 32 bits, unless the number is too large or too small for one.
fn float(double: f64) -> Option<f32> {
    let float = double as f32;
    (float.is_finite() && (float != 0.0 || double == 0.0)).then_some(float)
}

/// How many bits hold a decimal of so many digits.
fn decimal_bits(precision: u8) -> u16 {
    match precision {
        0..=9 => 32,
        10..=18 => 64,
        19..=38 => 128,
        _ => 256,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::value::RawValue;

    fn written(kind: &str, json: &str) -> Option<Vec<u8>> {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        let mut out = Vec::new();
        Kind::parse(kind).unwrap().write(&mut out, &Value::of(raw).unwrap())?;
        Some(out)
    }

    #[test]
    fn a_type_is_read_in_its_forms_and_named_as_the_server_names_it() {
        for (text, name) in [
            ("Int8", "Nullable(Int8)"),
            ("Nullable(UInt256)", "Nullable(UInt256)"),
            ("Decimal(10,2)", "Nullable(Decimal(10, 2))"),
            ("Nullable( Decimal( 76 , 0 ) )", "Nullable(Decimal(76, 0))"),
            ("Decimal(5)", "Nullable(Decimal(5, 0))"),
            ("DateTime64(3)", "Nullable(DateTime64(3, 'UTC'))"),
            ("DateTime", "Nullable(DateTime('UTC'))"),
            ("LowCardinality(String)", "LowCardinality(Nullable(String))"),
        ] {
            assert_eq!(Kind::parse(text).unwrap().type_name(), name);
        }
        for bad in [
            "",
            "int8",
            "Int7",
            "Int08",
            "Decimal(77,0)",
            "Decimal(2,3)",
            "DateTime64(10)",
            "Array(Int8)",
            "Nullable(Nullable(Int8))",
        ] {
            let error = Kind::parse(bad).unwrap_err();
            assert!(error.contains("there are Int8 to Int256"), "{error}");
        }
    }

    #[test]
    fn each_type_holds_its_own_and_nothing_else() {
        for (kind, json, expected) in [
            ("UInt16", "65535", Some(vec![0, 255, 255])),
            ("UInt16", "65536", None),
            ("Int64", "\"7\"", None),
            ("Int64", "true", None),
            ("Float32", "0.5", Some(vec![0, 0, 0, 0, 63])),
            ("Float32", "1e39", None),
            ("Float64", "1e400", None),
            ("Decimal(4, 2)", "-99.99", Some(vec![0, 241, 216, 255, 255])),
            ("Decimal(4, 2)", "100", None),
            ("Decimal(4, 2)", "0.001", None),
            ("Bool", "true", Some(vec![0, 1])),
            ("Bool", "1", None),
            ("String", "[1]", Some(vec![0, 3, b'[', b'1', b']'])),
            ("LowCardinality(String)", "\"a\"", Some(vec![0, 1, b'a'])),
            ("IPv4", "\"1.2.3.4\"", Some(vec![0, 4, 3, 2, 1])),
            ("IPv4", "\"::1\"", None),
            ("IPv6", "\"::1\"", Some([vec![0; 16], vec![1]].concat())),
            ("UUID", "\"no\"", None),
            ("Date", "\"1970-01-02\"", Some(vec![0, 1, 0])),
            ("Date", "\"1969-12-31\"", None),
            ("Date", "\"1970-01-02T00:00:00Z\"", None),
            ("Date32", "\"1969-12-31\"", Some(vec![0, 255, 255, 255, 255])),
            ("Date32", "\"1899-12-31\"", None),
            ("DateTime", "\"1970-01-01T00:00:01Z\"", Some(vec![0, 1, 0, 0, 0])),
            ("DateTime", "\"1970-01-01T00:00:01.5Z\"", None),
            ("DateTime64(3)", "1.5", Some(vec![0, 220, 5, 0, 0, 0, 0, 0, 0])),
            ("DateTime64(3)", "\"1970-01-01T00:00:00.0001Z\"", None),
            ("DateTime64(9)", "\"2263-01-01T00:00:00Z\"", None),
        ] {
            assert_eq!(written(kind, json), expected, "{kind} {json}");
            assert_eq!(written(kind, "null"), Some(vec![1]), "{kind}");
        }
    }
}
