//! A JSON number as `numeric` has it on the wire: digits of base 10,000, exact.

use super::json::{FRACTION_MAX_DIGITS, WHOLE_MAX_DIGITS};

/// Digits in all, and those after the point, as `numeric(10,2)` has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    pub precision: u16,
    pub scale: u16,
}

/// The bytes of the number that is written so; `None` where it would have to be rounded or is too large.
pub(super) fn encode(text: &str, limits: Option<Limits>) -> Option<Vec<u8>> {
    let decimal = Decimal::read(text)?;
    let scale = match limits {
        None => decimal.written_scale,
        Some(limits) => {
            let whole_max = i64::from(limits.precision) - i64::from(limits.scale);
            let fits = decimal.is_zero()
                || decimal.magnitude <= whole_max && decimal.fraction_digits() <= i64::from(limits.scale);
            fits.then_some(i64::from(limits.scale))?
        }
    };
    let too_large = !decimal.is_zero() && decimal.magnitude > WHOLE_MAX_DIGITS;
    if too_large || scale > FRACTION_MAX_DIGITS {
        return None;
    }
    decimal.bytes(u16::try_from(scale).ok()?)
}

/// `0.DIGITS × 10^magnitude`, the first digit and the last not zero.
struct Decimal {
    is_negative: bool,
    digits: Vec<u8>,
    magnitude: i64,
    /// Digits after the point as they were written, so that `1.50` stays so.
    written_scale: i64,
}

impl Decimal {
    fn read(text: &str) -> Option<Self> {
        let (is_negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let exponent = i64::from(exponent.trim_start_matches('+').parse::<i32>().ok()?);
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).map(|digit| digit - b'0').collect();
        let leading = digits.iter().take_while(|digit| **digit == 0).count();
        digits.drain(..leading);
        let trailing = digits.iter().rev().take_while(|digit| **digit == 0).count();
        digits.truncate(digits.len() - trailing);
        let magnitude = whole.len() as i64 - leading as i64 + exponent;
        Some(Self {
            is_negative,
            digits,
            magnitude,
            written_scale: (fraction.len() as i64 - exponent).max(0),
        })
    }

    fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    fn fraction_digits(&self) -> i64 {
        (self.digits.len() as i64 - self.magnitude).max(0)
    }

    fn bytes(&self, scale: u16) -> Option<Vec<u8>> {
        // The power of 10,000 that the first group counts, and the zeros that fill it up in front.
        let weight = if self.is_zero() { 0 } else { (self.magnitude - 1).div_euclid(4) };
        let fill = if self.is_zero() { 0 } else { (weight + 1) * 4 - self.magnitude };
        let filled: Vec<u8> =
            std::iter::repeat_n(0, usize::try_from(fill).ok()?).chain(self.digits.iter().copied()).collect();
        let group = |digits: &[u8]| {
            (0..4).fold(0_i16, |sum, place| sum * 10 + i16::from(digits.get(place).copied().unwrap_or(0)))
        };
        let groups = filled.chunks(4).map(group);
        let mut bytes = Vec::with_capacity(8 + filled.len());
        bytes.extend(u16::try_from(groups.len()).ok()?.to_be_bytes());
        bytes.extend(i16::try_from(weight).ok()?.to_be_bytes());
        let sign: u16 = if self.is_negative && !self.is_zero() { 0x4000 } else { 0 };
        bytes.extend(sign.to_be_bytes());
        bytes.extend(scale.to_be_bytes());
        groups.for_each(|group| bytes.extend(group.to_be_bytes()));
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Groups, weight, sign, scale.
    fn parts(text: &str) -> (Vec<i16>, i16, u16, u16) {
        let bytes = encode(text, None).unwrap();
        let words: Vec<i16> = bytes.chunks(2).map(|word| i16::from_be_bytes([word[0], word[1]])).collect();
        (words[4..].to_vec(), words[1], words[2] as u16, words[3] as u16)
    }

    #[test]
    fn digits_are_grouped_from_the_point() {
        assert_eq!(parts("12345.678"), (vec![1, 2345, 6780], 1, 0, 3));
        assert_eq!(parts("-0.00012"), (vec![1, 2000], -1, 0x4000, 5));
        assert_eq!(parts("1.50"), (vec![1, 5000], 0, 0, 2));
        assert_eq!(parts("1e8"), (vec![1], 2, 0, 0));
        assert_eq!(parts("0.00"), (vec![], 0, 0, 2));
        assert_eq!(parts("-0"), (vec![], 0, 0, 0));
        assert_eq!(parts("1E-9"), (vec![1000], -3, 0, 9));
    }

    #[test]
    fn what_would_be_rounded_or_is_too_large_does_not_fit() {
        let limits = Some(Limits { precision: 5, scale: 2 });
        for fits in ["999.99", "1.10", "1.1000", "-0.01", "0e50", "1e2"] {
            assert!(encode(fits, limits).is_some(), "{fits}");
        }
        for bad in ["1000", "0.001", "1e3", "999.999", "1e-3"] {
            assert!(encode(bad, limits).is_none(), "{bad}");
        }
        for bad in ["1e131072", "1e-16384", "1e99999999999"] {
            assert!(encode(bad, None).is_none(), "{bad}");
        }
        assert!(encode("1e131071", None).is_some());
    }
}
