//! The name of an export.

use std::fmt;

const DIGITS: usize = 32;

/// Drawn by chance: whoever does not know it does not come upon it, and it is never a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExportId(Box<str>);

impl ExportId {
    /// A new one.
    pub fn random() -> Self {
        Self(format!("{:032x}", rand::random::<u128>()).into())
    }

    /// Reads one; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
        (text.len() == DIGITS && text.bytes().all(is_digit)).then(|| Self(text.into()))
    }

    /// Its digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ExportId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_hexadecimal_digits_and_never_a_path() {
        let id = ExportId::random();
        assert_eq!(ExportId::parse(id.as_str()), Some(id));
        let dots = "../".repeat(10) + "ab";
        for text in ["", "..", "ab", &dots, &"A".repeat(32), &"0".repeat(33)] {
            assert_eq!(ExportId::parse(text), None, "{text}");
        }
    }
}
