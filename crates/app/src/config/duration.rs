//! Durations as people write them: `"500ms"`, `"5s"`, `"10m"`, `"1h"`, `"90d"`. For `#[serde(with = …)]`.

use std::time::Duration;

pub use super::quantity::{deserialize, optional, serialize};

use super::quantity::Quantity;

const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// Reads a whole number with a unit. `None` for anything else, and for what is longer than 500 million years.
pub fn parse(text: &str) -> Option<Duration> {
    let text = text.trim();
    let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
    let (digits, unit) = text.split_at(unit_at);
    let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit.trim())?;
    Some(Duration::from_millis(digits.parse::<u64>().ok()?.checked_mul(*millis)?))
}

/// Writes it with the largest unit that leaves a whole number.
pub fn write(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let fits = |(_, size): &&(&str, u64)| millis >= *size && millis.is_multiple_of(*size);
    let (unit, size) = UNITS.iter().find(fits).unwrap_or(&("s", 1000));
    format!("{}{unit}", millis / size)
}

impl Quantity for Duration {
    const NOUN: &'static str = "duration";
    const FORMS: &'static str = "a duration such as \"500ms\", \"5s\", \"10m\", \"1h\" or \"90d\"";

    fn read(text: &str) -> Option<Self> {
        parse(text)
    }

    fn of_number(number: u64) -> Result<Self, (&'static str, String)> {
        let remedy =
            format!("Say of what, in quotes: \"{number}s\" for seconds, \"{number}ms\" for milliseconds.");
        Err(("is a number without a unit", remedy))
    }

    fn written(&self) -> String {
        write(*self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for text in ["500ms", "5s", "10m", "1h", "90d", "0s", "1500ms", "90s"] {
            assert_eq!(write(parse(text).unwrap()), text);
        }
        assert_eq!(write(parse("60s").unwrap()), "1m");
    }

    #[test]
    fn a_number_needs_a_known_unit() {
        for bad in ["", "5", "s", "5 weeks", "-5s", "1.5s", "18446744073709551615d", "5sec"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
