//! A moment, as Weir keeps it: microseconds since 1970-01-01T00:00:00Z, in 64 bits with a sign.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

const MICROS_PER_SECOND: i64 = 1_000_000;
/// 0001-01-01T00:00:00Z and 9999-12-30T21:59:59.999999Z: what RFC 3339 can write and jiff can hold.
const EARLIEST: i64 = -62_135_596_800 * MICROS_PER_SECOND;
const LATEST: i64 = 253_402_207_200 * MICROS_PER_SECOND - 1;

/// Microseconds since the Unix epoch, UTC. Always within the years 1 to 9999, so that it can be written down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment `micros` after the epoch; held within the years 1 to 9999.
    pub fn from_micros(micros: i64) -> Self {
        Self(micros.clamp(EARLIEST, LATEST))
    }

    /// Microseconds since the epoch.
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339, with any offset. `None` where it is something else or outside the years 1 to 9999.
    pub fn parse(text: &str) -> Option<Self> {
        let moment: jiff::Timestamp = text.parse().ok()?;
        Self::checked(moment.as_microsecond())
    }

    /// Reads a number as clients send it: below 10^11 seconds, below 10^14 milliseconds, else microseconds.
    pub fn from_number(number: f64) -> Option<Self> {
        if !number.is_finite() {
            return None;
        }
        let micros = match number.abs() {
            size if size < 1e11 => number * 1e6,
            size if size < 1e14 => number * 1e3,
            size if size < 9e18 => number,
            _ => return None,
        };
        Self::checked(micros.round() as i64)
    }

    fn checked(micros: i64) -> Option<Self> {
        (EARLIEST..=LATEST).contains(&micros).then_some(Self(micros))
    }

    /// The moment `duration` later.
    pub fn after(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.0.saturating_add(micros))
    }

    /// The moment `duration` earlier.
    pub fn before(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.0.saturating_sub(micros))
    }

    /// How long it is from `earlier` to this moment; zero where `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0).max(0).unsigned_abs())
    }

    /// Year, month and day in UTC.
    pub fn date(self) -> (i16, i8, i8) {
        let date = self.civil();
        (date.year(), date.month(), date.day())
    }

    /// Hour of the day in UTC.
    pub fn hour(self) -> i8 {
        self.civil().hour()
    }

    /// As HTTP has it (RFC 9110), to the second: `Sun, 22 Nov 2026 09:00:00 GMT`.
    pub fn to_http_date(self) -> String {
        let written = jiff::Timestamp::from_microsecond(self.0).and_then(|moment| {
            jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&moment)
        });
        // Every value is within the years 1 to 9999, which can be written so.
        written.unwrap_or_default()
    }

    fn civil(self) -> jiff::civil::DateTime {
        // Every value is within the years 1 to 9999, which jiff can hold.
        let moment = jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        jiff::tz::Offset::UTC.to_datetime(moment)
    }
}

/// RFC 3339 in UTC with exactly six digits: `2026-11-22T09:00:00.000001Z`.
///
/// Written at once: every event and every node of a picture has several.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let civil = self.civil();
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        // No part is below zero in the years 1 to 9999.
        put(&mut text[0..4], civil.year().unsigned_abs().into());
        put(&mut text[5..7], civil.month().unsigned_abs().into());
        put(&mut text[8..10], civil.day().unsigned_abs().into());
        put(&mut text[11..13], civil.hour().unsigned_abs().into());
        put(&mut text[14..16], civil.minute().unsigned_abs().into());
        put(&mut text[17..19], civil.second().unsigned_abs().into());
        put(&mut text[20..26], civil.subsec_nanosecond().unsigned_abs() / 1000);
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

/// Writes the number's last digits, as many as there is room for.
fn put(digits: &mut [u8], mut number: u32) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_number_is_seconds_milliseconds_or_microseconds_by_its_size() {
        let expected = Timestamp::parse("2026-11-22T09:00:00Z").unwrap();
        for number in [1_795_338_000.0, 1_795_338_000_000.0, 1_795_338_000_000_000.0] {
            assert_eq!(Timestamp::from_number(number), Some(expected));
        }
        assert_eq!(Timestamp::from_number(f64::NAN), None);
        assert_eq!(Timestamp::from_number(1e300), None);
    }

    #[test]
    fn years_before_1970_and_after_2262_are_kept() {
        for text in
            ["0001-01-01T00:00:00.000000Z", "1900-02-28T23:59:59.999999Z", "9999-12-30T21:59:59.999999Z"]
        {
            assert_eq!(Timestamp::parse(text).unwrap().to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(micros in EARLIEST..=LATEST) {
            let moment = Timestamp::from_micros(micros);
            prop_assert_eq!(Timestamp::parse(&moment.to_string()), Some(moment));
        }
    }
}
