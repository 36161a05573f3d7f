//! Last and days within what ClickHouse's types can hold: the years 1900 to 2299.

use jiff::Timestamp as Instant;
use jiff::civil::{Date, date};
use weir_core::selection::Value;
use weir_core::time::Timestamp;

use crate::columns::fit;

const EPOCH: Date = date(1970, 1, 1);
/// 1900-01-01T00:00:00Z and 2300-01-01T00:00:00Z, in seconds since 1970.
const FIRST_SECOND: i64 = -2_208_988_800;
const END_SECOND: i64 = 10_413_792_000;

/// Whether a `DateTime64(6)` holds it.
pub(super) fn holds(moment: Timestamp) -> bool {
    (FIRST_SECOND * 1_000_000..END_SECOND * 1_000_000).contains(&moment.as_micros())
}

/// Days since 1970 of a text that is a day and no more than that.
pub(super) fn days(text: &str) -> Option<i32> {
    if text.len() != "2026-01-01".len() {
        return None;
    }
    let seconds = text.parse::<Date>().ok()?.duration_since(EPOCH).as_secs();
    (FIRST_SECOND..END_SECOND).contains(&seconds).then(|| i32::try_from(seconds / 86_400).ok())?
}

/// Seconds since 1970 times ten to the power of `precision`, where that is whole: of RFC 3339, or of a number of
/// seconds, milliseconds or microseconds, as for an event's own time.
pub(super) fn ticks(value: &Value<'_>, precision: u8) -> Option<i64> {
    let nanoseconds = match value {
        Value::Text(text) => text.parse::<Instant>().ok()?.as_nanosecond(),
        other => i128::from(fit::double(other).and_then(Timestamp::from_number)?.as_micros()) * 1000,
    };
    let seconds = i64::try_from(nanoseconds.div_euclid(1_000_000_000)).ok()?;
    let tick = 10_i128.pow(9_u32.checked_sub(u32::from(precision))?);
    let is_whole = nanoseconds % tick == 0;
    (is_whole && (FIRST_SECOND..END_SECOND).contains(&seconds))
        .then(|| i64::try_from(nanoseconds / tick).ok())?
}
