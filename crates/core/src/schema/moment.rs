//! Timestamps and durations as the Protobuf JSON mapping writes them: seconds and nanoseconds on the wire, text in JSON.

use jiff::SignedDuration;
use jiff::civil::{DateTime, date};

const NANOS_PER_SECOND: i32 = 1_000_000_000;
/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z.
const SECONDS_MIN: i64 = -62_135_596_800;
const SECONDS_MAX: i64 = 253_402_300_799;
/// About 10,000 years, either way.
const DURATION_SECONDS_MAX: i64 = 315_576_000_000;

fn epoch() -> DateTime {
    date(1970, 1, 1).at(0, 0, 0, 0)
}

/// Reads RFC 3339 with any offset.
pub(super) fn read_timestamp(text: &str) -> Option<(i64, i32)> {
    let (local, offset) = match text.strip_suffix(['Z', 'z']) {
        Some(local) => (local, 0),
        None => {
            let (local, offset) = text.split_at_checked(text.len().checked_sub(6)?)?;
            (local, read_offset(offset)?)
        }
    };
    // A date alone would be read as its midnight.
    if local.len() < 19 || !matches!(local.as_bytes()[10], b'T' | b't' | b' ') {
        return None;
    }
    let since = local.parse::<DateTime>().ok()?.duration_since(epoch());
    let (mut seconds, mut nanos) = (since.as_secs() - offset, since.subsec_nanos());
    if nanos < 0 {
        (seconds, nanos) = (seconds - 1, nanos + NANOS_PER_SECOND);
    }
    (SECONDS_MIN..=SECONDS_MAX).contains(&seconds).then_some((seconds, nanos))
}

/// `+hh:mm` in seconds.
fn read_offset(text: &str) -> Option<i64> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let number = |digits: &str, below: i64| {
        let is_number = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|number: &i64| is_number && *number < below)
    };
    Some(sign * (number(hours, 24)? * 3_600 + number(minutes, 60)? * 60))
}

/// Writes it in UTC; `None` where it lies outside of what can be written.
pub(crate) fn write_timestamp(seconds: i64, nanos: i32) -> Option<String> {
    if !(SECONDS_MIN..=SECONDS_MAX).contains(&seconds) || !(0..NANOS_PER_SECOND).contains(&nanos) {
        return None;
    }
    let at = epoch().checked_add(SignedDuration::new(seconds, nanos)).ok()?;
    let (year, month, day) = (at.year(), at.month(), at.day());
    let (hour, minute, second) = (at.hour(), at.minute(), at.second());
    let fraction = fraction(nanos.unsigned_abs());
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z"))
}

/// Reads `-1.5s`.
pub(super) fn read_duration(text: &str) -> Option<(i64, i32)> {
    let number = text.strip_suffix('s')?;
    let (sign, number) = number.strip_prefix('-').map_or((1, number), |number| (-1, number));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let seconds: i64 = whole.parse().ok().filter(|seconds| *seconds <= DURATION_SECONDS_MAX)?;
    let nanos: i32 = format!("{fraction:0<9}").parse().ok()?;
    Some((sign * seconds, i32::try_from(sign).ok()? * nanos))
}

/// Writes it; `None` where the parts contradict one another or are too large.
pub(super) fn write_duration(seconds: i64, nanos: i32) -> Option<String> {
    let signs_agree = seconds == 0 || nanos == 0 || (seconds < 0) == (nanos < 0);
    let too_large =
        seconds.unsigned_abs() > DURATION_SECONDS_MAX.unsigned_abs() || nanos.unsigned_abs() > 999_999_999;
    if !signs_agree || too_large {
        return None;
    }
    let sign = if seconds < 0 || nanos < 0 { "-" } else { "" };
    Some(format!("{sign}{}{}s", seconds.unsigned_abs(), fraction(nanos.unsigned_abs())))
}

/// Nothing, or a point and three, six or nine digits.
fn fraction(nanos: u32) -> String {
    match nanos {
        0 => String::new(),
        nanos if nanos % 1_000_000 == 0 => format!(".{:03}", nanos / 1_000_000),
        nanos if nanos % 1_000 == 0 => format!(".{:06}", nanos / 1_000),
        nanos => format!(".{nanos:09}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_timestamp_is_read_with_its_offset_and_written_in_utc() {
        for (text, seconds, nanos, written) in [
            ("1970-01-01T00:00:00Z", 0, 0, "1970-01-01T00:00:00Z"),
            ("1970-01-01T01:00:00.5+01:00", 0, 500_000_000, "1970-01-01T00:00:00.500Z"),
            ("1969-12-31 23:59:59.999999999Z", -1, 999_999_999, "1969-12-31T23:59:59.999999999Z"),
            ("9999-12-31T23:59:59z", SECONDS_MAX, 0, "9999-12-31T23:59:59Z"),
            ("0001-01-01t00:00:00Z", SECONDS_MIN, 0, "0001-01-01T00:00:00Z"),
        ] {
            assert_eq!(read_timestamp(text), Some((seconds, nanos)), "{text}");
            assert_eq!(write_timestamp(seconds, nanos).as_deref(), Some(written));
        }
        for bad in [
            "",
            "Z",
            "1970-01-01",
            "1970-01-01Z",
            "1970-01-01T00:00:00",
            "1970-01-01T00:00:00+1:00",
            "1970-01-01T00:00:00+24:00",
            "1970-01-01T00:00:00.0123456789Z",
            "0001-01-01T00:00:00+00:01",
            "0000-12-31T00:00:00Z",
            "9999-12-31T23:59:59-00:01",
            "1970-13-01T00:00:00Z",
            "1970-01-01T00:00:00éé:00",
        ] {
            assert_eq!(read_timestamp(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_duration_has_one_sign_and_at_most_nine_digits() {
        for (text, seconds, nanos, written) in [
            ("0s", 0, 0, "0s"),
            ("1.5s", 1, 500_000_000, "1.500s"),
            ("-0.000001s", 0, -1_000, "-0.000001s"),
            ("-3.000000001s", -3, -1, "-3.000000001s"),
            ("315576000000s", DURATION_SECONDS_MAX, 0, "315576000000s"),
        ] {
            assert_eq!(read_duration(text), Some((seconds, nanos)), "{text}");
            assert_eq!(write_duration(seconds, nanos).as_deref(), Some(written));
        }
        for bad in ["", "s", "1", ".5s", "1.s", "+1s", "--1s", "1.0123456789s", "315576000001s", "1e3s"] {
            assert_eq!(read_duration(bad), None, "{bad}");
        }
        assert_eq!(write_duration(1, -1), None);
        assert_eq!(write_duration(i64::MIN, i32::MIN), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(seconds in SECONDS_MIN..=SECONDS_MAX, nanos in 0..NANOS_PER_SECOND) {
            let text = write_timestamp(seconds, nanos).unwrap();
            prop_assert_eq!(read_timestamp(&text), Some((seconds, nanos)), "{}", text);
            let length = seconds.clamp(0, DURATION_SECONDS_MAX);
            let text = write_duration(-length, -nanos).unwrap();
            prop_assert_eq!(read_duration(&text), Some((-length, -nanos)), "{}", text);
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,30}|[-0-9TZ:.+s]{0,30}") {
            let _ = (read_timestamp(&text), read_duration(&text));
        }
    }
}
