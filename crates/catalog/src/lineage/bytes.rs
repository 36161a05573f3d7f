//! Numbers and texts in few bytes.
//!
//! **Constraint.** What is read may have rotted: every read is checked, nothing panics, and no length is believed before
//! there are bytes for it.

/// The bytes are not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what is stored is not what was written there")]
pub struct Damaged;

/// Seven bits a byte, the lowest first; small numbers are short.
pub fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number > 0x7F {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Numbers near zero are short, below it too.
pub fn put_signed(out: &mut Vec<u8>, number: i64) {
    put_number(out, (number << 1 ^ number >> 63).cast_unsigned());
}

/// How far a number is from another, whatever the two are.
pub fn put_step(out: &mut Vec<u8>, from: i64, to: i64) {
    put_signed(out, to.wrapping_sub(from));
}

/// A text with its length.
pub fn put_text(out: &mut Vec<u8>, text: &str) {
    put_number(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Bytes that are read from the front.
pub struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    /// Whether all was read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next byte.
    pub fn byte(&mut self) -> Result<u8, Damaged> {
        let (first, rest) = self.0.split_first().ok_or(Damaged)?;
        self.0 = rest;
        Ok(*first)
    }

    /// So many bytes.
    pub fn bytes(&mut self, count: u64) -> Result<&'a [u8], Damaged> {
        let count = usize::try_from(count).map_err(|_| Damaged)?;
        let (bytes, rest) = self.0.split_at_checked(count).ok_or(Damaged)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// What [`put_number`] wrote.
    pub fn number(&mut self) -> Result<u64, Damaged> {
        let mut number = 0;
        for place in 0..10 {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7F) << (7 * place);
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Damaged)
    }

    /// The same, where it must fit 32 bits.
    pub fn small(&mut self) -> Result<u32, Damaged> {
        u32::try_from(self.number()?).map_err(|_| Damaged)
    }

    /// What [`put_signed`] wrote.
    pub fn signed(&mut self) -> Result<i64, Damaged> {
        let number = self.number()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    /// What [`put_step`] wrote, from the same number.
    pub fn step(&mut self, from: i64) -> Result<i64, Damaged> {
        Ok(from.wrapping_add(self.signed()?))
    }

    /// What [`put_text`] wrote.
    pub fn text(&mut self) -> Result<&'a str, Damaged> {
        let length = self.number()?;
        std::str::from_utf8(self.bytes(length)?).map_err(|_| Damaged)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_put_is_read(numbers in prop::collection::vec(any::<(u64, i64, i64, String)>(), 0..9)) {
            let mut out = Vec::new();
            for (number, from, to, text) in &numbers {
                put_number(&mut out, *number);
                put_signed(&mut out, *from);
                put_step(&mut out, *from, *to);
                put_text(&mut out, text);
            }
            let mut input = Input(&out);
            for (number, from, to, text) in &numbers {
                prop_assert_eq!(input.number(), Ok(*number));
                prop_assert_eq!(input.signed(), Ok(*from));
                prop_assert_eq!(input.step(*from), Ok(*to));
                prop_assert_eq!(input.text(), Ok(text.as_str()));
            }
            prop_assert!(input.is_empty());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut input = Input(&bytes);
            while input.number().is_ok() && input.text().is_ok() && input.step(i64::MAX).is_ok() {}
        }
    }
}
