//! What each type of column holds, and how it goes over the wire.
//!
//! **Constraint.** The server would round, cut or convert some values on the way; here a column holds its type.

use std::net::IpAddr;

use jiff::civil::{Date, DateTime};
use weir_core::event::EventId;
use weir_core::selection::Value;
use weir_core::sink::Refusal;
use weir_core::time::Timestamp;

use super::kind::Kind;
use super::{json, numeric, row};
use crate::columns::{Column, fit};

/// 2000-01-01, from which Postgres counts, in microseconds after 1970.
pub(super) const EPOCH_MICROS: i64 = 946_684_800_000_000;
/// 4713 BC, where Postgres begins, in microseconds and days before 2000.
const EARLIEST_MICROS: i64 = -211_813_488_000_000_000;
const EARLIEST_DAY: i64 = -2_451_545;

impl Column<Kind> {
    /// Adds the value to a row, as `COPY` takes it; refused where the column cannot hold it.
    pub(super) fn write(&self, value: &Value<'_>, row: &mut Vec<u8>) -> Result<(), Refusal> {
        match (self.kind, value) {
            (_, Value::Null) => row::null(row),
            (Kind::Text | Kind::Varchar(_), _) => {
                let text = fit::text(value).unwrap_or_default();
                json::check_text(&self.name, &text)?;
                if matches!(self.kind, Kind::Varchar(Some(length)) if text.chars().count() > length as usize)
                {
                    return Err(self.refusal(value));
                }
                row::field(row, text.as_bytes());
            }
            (Kind::Jsonb | Kind::Json, _) => {
                let json = fit::json(value).unwrap_or_default();
                match self.kind {
                    Kind::Jsonb => row::jsonb(row, &self.name, &json)?,
                    _ => row::field(row, json.as_bytes()),
                }
            }
            _ => row::field(row, &self.kind.bytes(value).ok_or_else(|| self.refusal(value))?),
        }
        Ok(())
    }
}

impl Kind {
    /// Of all but text and JSON; `None` where the type cannot hold the value.
    fn bytes(self, value: &Value<'_>) -> Option<Vec<u8>> {
        match (self, value) {
            (Self::SmallInt, _) => fit::integer::<i16>(value).map(|number| number.to_be_bytes().to_vec()),
            (Self::Integer, _) => fit::integer::<i32>(value).map(|number| number.to_be_bytes().to_vec()),
            (Self::BigInt, _) => fit::integer::<i64>(value).map(|number| number.to_be_bytes().to_vec()),
            (Self::Real, _) => real(fit::double(value)?).map(|number| number.to_be_bytes().to_vec()),
            (Self::Double, _) => fit::double(value).map(|number| number.to_be_bytes().to_vec()),
            (Self::Numeric(limits), Value::Number(number)) => numeric::encode(number.text(), limits),
            (Self::Boolean, Value::Bool(flag)) => Some(vec![u8::from(*flag)]),
            (Self::Date, Value::Text(text)) => date(text).map(|day| day.to_be_bytes().to_vec()),
            (Self::TimestampTz, Value::Text(text)) => {
                moment(text).map(|micros| micros.to_be_bytes().to_vec())
            }
            (Self::Timestamp, Value::Text(text)) => {
                moment(text).or_else(|| civil(text)).map(|micros| micros.to_be_bytes().to_vec())
            }
            (Self::TimestampTz | Self::Timestamp, Value::Number(number)) => {
                let moment = Timestamp::from_number(number.double()?)?;
                Some((moment.as_micros() - EPOCH_MICROS).to_be_bytes().to_vec())
            }
            (Self::Uuid, Value::Text(text)) => EventId::parse(text).map(|id| id.0.to_vec()),
            (Self::Inet, Value::Text(text)) => inet(text),
            _ => None,
        }
    }
}

fn real(double: f64) -> Option<f32> {
    let single = double as f32;
    (single.is_finite() && (single != 0.0 || double == 0.0)).then_some(single)
}

fn date(text: &str) -> Option<i32> {
    // A time of day would be lost.
    if text.contains([':', 'T', 't']) {
        return None;
    }
    let date: Date = text.parse().ok()?;
    let days = micros_of(date.to_datetime(jiff::civil::Time::midnight()))?.div_euclid(86_400_000_000);
    i32::try_from(days).ok().filter(|days| i64::from(*days) >= EARLIEST_DAY)
}

/// RFC 3339, in microseconds after 2000.
fn moment(text: &str) -> Option<i64> {
    let moment: jiff::Timestamp = text.parse().ok()?;
    let is_exact = moment.subsec_nanosecond() % 1000 == 0;
    let micros = moment.as_microsecond() - EPOCH_MICROS;
    (is_exact && micros >= EARLIEST_MICROS).then_some(micros)
}

/// A date and a time of day without a zone.
fn civil(text: &str) -> Option<i64> {
    let civil: DateTime = text.parse().ok()?;
    (civil.subsec_nanosecond() % 1000 == 0).then(|| micros_of(civil)).flatten()
}

fn micros_of(civil: DateTime) -> Option<i64> {
    let moment = jiff::tz::Offset::UTC.to_timestamp(civil).ok()?;
    Some(moment.as_microsecond() - EPOCH_MICROS).filter(|micros| *micros >= EARLIEST_MICROS)
}

/// An address, or one with the length of its network.
fn inet(text: &str) -> Option<Vec<u8>> {
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let (family, octets) = match address.parse().ok()? {
        IpAddr::V4(address) => (2, address.octets().to_vec()),
        IpAddr::V6(address) => (3, address.octets().to_vec()),
    };
    let bits_max = u8::try_from(octets.len() * 8).ok()?;
    let bits = bits.map_or(Some(bits_max), |bits| bits.parse().ok().filter(|bits| *bits <= bits_max))?;
    let head = [family, bits, 0, u8::try_from(octets.len()).ok()?];
    Some(head.into_iter().chain(octets).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::value::RawValue;

    fn cell(kind: &str, json: &str) -> Result<Vec<u8>, Refusal> {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        let kind_name = kind.to_owned();
        let column = Column { name: "c".to_owned(), kind: Kind::parse(kind).unwrap(), kind_name };
        let mut row = Vec::new();
        column.write(&Value::of(raw).unwrap(), &mut row).map(|()| row)
    }

    #[test]
    fn each_type_holds_its_own_and_refuses_the_rest() {
        for (kind, json) in [
            ("smallint", "-32768"),
            ("integer", "7.0"),
            ("bigint", "9223372036854775807"),
            ("real", "0.1"),
            ("numeric(4,2)", "12.50"),
            ("varchar(2)", "\"éé\""),
            ("text", "{\"a\": 1}"),
            ("boolean", "false"),
            ("date", "\"-004712-01-01\""),
            ("date", "\"1969-12-31\""),
            ("timestamptz", "\"9999-12-30T00:00:00.000001+01:00\""),
            ("timestamptz", "1795338000"),
            ("timestamp", "\"2026-11-22T09:00:00\""),
            ("timestamp", "\"2026-11-22T09:00:00Z\""),
            ("uuid", "\"80acee76-f9d9-892e-bed9-622ee66e2bbe\""),
            ("json", r#""\u0000""#),
            ("inet", "\"2001:db8::1/64\""),
            ("inet", "\"192.0.2.1\""),
        ] {
            assert!(cell(kind, json).is_ok(), "{kind} holds {json}");
        }
        for (kind, json) in [
            ("smallint", "32768"),
            ("integer", "1.5"),
            ("bigint", "\"7\""),
            ("real", "1e39"),
            ("real", "1e-50"),
            ("double precision", "1e400"),
            ("numeric(4,2)", "0.001"),
            ("numeric", "\"1\""),
            ("varchar(2)", "\"abc\""),
            ("text", "\"a\\u0000\""),
            ("boolean", "1"),
            ("date", "\"2026-11-22T09:00:00Z\""),
            ("date", "\"2026-02-30\""),
            ("date", "\"-005000-01-01\""),
            ("timestamptz", "\"2026-11-22T09:00:00.1234567Z\""),
            ("timestamptz", "\"2026-11-22\""),
            ("uuid", "\"x\""),
            ("jsonb", r#"{"a":"\u0000"}"#),
            ("inet", "\"192.0.2.1/33\""),
        ] {
            assert!(cell(kind, json).is_err(), "{kind} refuses {json}");
        }
    }

    #[test]
    fn nothing_is_null_in_every_type() {
        for kind in ["smallint", "text", "jsonb", "inet", "numeric(4,2)"] {
            assert_eq!(cell(kind, "null").unwrap(), (-1_i32).to_be_bytes());
        }
    }
}
