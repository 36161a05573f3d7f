//! Sizes as people write them: `"4MiB"`, `"1GB"`, or a number of bytes. For `#[serde(with = …)]`.

use std::fmt;

use serde::de::{Deserializer, Error, Visitor};
use serde::ser::Serializer;

use super::read::with_remedy;

const FORMS: &str = "a size such as \"64KiB\", \"4MiB\", \"1GB\", or a number of bytes";
const UNITS: [(&str, u64); 10] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("KB", 1_000),
    ("B", 1),
];
/// What TOML can hold, so that every setting can be shown.
const LARGEST: u64 = i64::MAX as u64;

/// Reads a whole number of bytes, or of a unit. `None` for anything else.
pub fn parse(text: &str) -> Option<u64> {
    let text = text.trim();
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(unit_at);
    let unit = if unit.is_empty() { "B" } else { unit.trim() };
    let (_, bytes) = UNITS.iter().find(|(name, _)| *name == unit)?;
    digits.parse::<u64>().ok()?.checked_mul(*bytes).filter(|bytes| *bytes <= LARGEST)
}

/// Writes it with the largest binary unit that leaves a whole number.
pub fn write(bytes: u64) -> String {
    let fits = |(_, size): &&(&str, u64)| bytes > 0 && bytes.is_multiple_of(*size);
    match UNITS[..4].iter().find(fits) {
        Some((unit, size)) => format!("{}{unit}", bytes / size),
        None => format!("{bytes}B"),
    }
}

/// Writes the setting.
pub fn serialize<S: Serializer>(bytes: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&write(*bytes))
}

/// Reads the setting.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    deserializer.deserialize_any(Reading)
}

struct Reading;

impl Visitor<'_> for Reading {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(FORMS)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<u64, E> {
        let wrong = || E::custom(with_remedy(&format!("is no size: {text:?}"), &format!("Write {FORMS}.")));
        parse(text).ok_or_else(wrong)
    }

    fn visit_u64<E: Error>(self, bytes: u64) -> Result<u64, E> {
        Ok(bytes.min(LARGEST))
    }
}

/// The same for a setting that may be absent.
pub mod optional {
    use super::{Deserializer, Serializer};

    /// Writes the setting.
    pub fn serialize<S: Serializer>(bytes: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => super::serialize(bytes, serializer),
            None => serializer.serialize_none(),
        }
    }

    /// Reads the setting.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        super::deserialize(deserializer).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_and_decimal_units_and_plain_bytes_are_read() {
        for (text, bytes) in
            [("4MiB", 4 << 20), ("1 GB", 1_000_000_000), ("17", 17), ("0B", 0), ("2kB", 2000)]
        {
            assert_eq!(parse(text), Some(bytes), "{text}");
        }
        for bad in ["", "MiB", "4mib", "4M", "-1", "1.5GiB", "9999999TiB"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for bytes in [0, 1, 1023, 1024, 64 << 30, 10_000_000] {
            assert_eq!(parse(&write(bytes)), Some(bytes));
        }
        assert_eq!(write(64 << 30), "64GiB");
    }
}
