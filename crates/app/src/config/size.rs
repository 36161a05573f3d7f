//! Sizes as people write them: `"4MiB"`, `"1GB"`, or a number of bytes. For `#[serde(with = …)]`.

pub use super::quantity::{deserialize, optional, serialize};

use super::quantity::Quantity;

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

/// A bare number among the settings' quantities is one of bytes.
impl Quantity for u64 {
    const NOUN: &'static str = "size";
    const FORMS: &'static str = "a size such as \"64KiB\", \"4MiB\", \"1GB\", or a number of bytes";

    fn read(text: &str) -> Option<Self> {
        parse(text)
    }

    fn of_number(bytes: u64) -> Result<Self, (&'static str, String)> {
        Ok(bytes.min(LARGEST))
    }

    fn written(&self) -> String {
        write(*self)
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
