//! Whole numbers of up to 256 bits, from the client's digits and without rounding.

use weir_core::selection::Number;

/// More digits than 256 bits can hold.
const DIGITS_MAX: i64 = 78;

/// A whole number, as its sign and its size; the lowest part first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wide {
    is_negative: bool,
    size: [u64; 4],
}

impl Wide {
    /// The number times ten to the power of `scale`, where that is whole and has no more than 256 bits.
    pub fn scaled(number: &Number<'_>, scale: u8) -> Option<Self> {
        let text = number.text();
        let (is_negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: Vec<u8> =
            whole.bytes().chain(fraction.bytes()).skip_while(|digit| *digit == b'0').collect();
        let significant = digits.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1);
        if significant == 0 {
            return Some(Self { is_negative: false, size: [0; 4] });
        }
        let after_point = i64::try_from(fraction.len()).ok()?;
        let cut = i64::try_from(digits.len() - significant).ok()?;
        // An exponent beyond 64 bits leaves a fraction, or more digits than there may be.
        let zeros =
            exponent.parse::<i64>().ok()?.checked_sub(after_point)?.checked_add(cut + i64::from(scale))?;
        if !(0..=DIGITS_MAX).contains(&zeros) || significant > DIGITS_MAX as usize {
            return None;
        }
        let mut number = Self { is_negative, size: [0; 4] };
        for digit in digits[..significant].iter().map(|digit| digit - b'0').chain((0..zeros).map(|_| 0)) {
            number.push(digit)?;
        }
        Some(number)
    }

    /// Appends a decimal digit.
    fn push(&mut self, digit: u8) -> Option<()> {
        let mut carry = u128::from(digit);
        for part in &mut self.size {
            let sum = u128::from(*part) * 10 + carry;
            (*part, carry) = (sum as u64, sum >> 64);
        }
        (carry == 0).then_some(())
    }

    /// Whether it has at most so many decimal digits.
    pub fn has_digits(&self, most: u8) -> bool {
        let mut bound = Self { is_negative: false, size: [1, 0, 0, 0] };
        let grown = (0..most).try_for_each(|_| bound.push(0));
        // From the highest part down.
        grown.is_none() || self.size.iter().rev().lt(bound.size.iter().rev())
    }

    /// Appends it as a number of this many bits, the lowest byte first. `None` where it is out of their bounds.
    pub fn write(&self, out: &mut Vec<u8>, bits: u16, is_signed: bool) -> Option<()> {
        let used = self.used_bits();
        let fits = match (is_signed, self.is_negative) {
            (false, negative) => !negative && used <= bits,
            (true, false) => used < bits,
            // One more fits below zero than above.
            (true, true) => used < bits || (used == bits && self.is_power_of_two()),
        };
        let mut bytes = self.size.map(u64::to_le_bytes).concat();
        if self.is_negative {
            negate(&mut bytes);
        }
        out.extend_from_slice(&bytes[..usize::from(bits / 8)]);
        fits.then_some(())
    }

    fn used_bits(&self) -> u16 {
        let parts = self.size.iter().zip([0, 64, 128, 192]).rev();
        parts
            .into_iter()
            .find(|(part, _)| **part != 0)
            .map_or(0, |(part, below)| below + 64 - part.leading_zeros() as u16)
    }

    fn is_power_of_two(&self) -> bool {
        self.size.iter().map(|part| part.count_ones()).sum::<u32>() == 1
    }
}

/// The two's complement.
fn negate(bytes: &mut [u8]) {
    let mut carry = true;
    for byte in bytes {
        (*byte, carry) = (!*byte).overflowing_add(u8::from(carry));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(text: &str, scale: u8, bits: u16, is_signed: bool) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        Wide::scaled(&Number::parse(text).unwrap(), scale)?.write(&mut out, bits, is_signed)?;
        Some(out)
    }

    #[test]
    fn a_number_is_held_within_the_bounds_of_its_type_and_not_beyond() {
        for (text, bits, is_signed, expected) in [
            ("127", 8, true, Some(vec![127])),
            ("128", 8, true, None),
            ("-128", 8, true, Some(vec![128])),
            ("-129", 8, true, None),
            ("255", 8, false, Some(vec![255])),
            ("256", 8, false, None),
            ("-1", 8, false, None),
            ("-0", 8, false, Some(vec![0])),
            ("1.280e2", 16, true, Some(vec![128, 0])),
            ("1.5", 64, true, None),
            ("0e99999999999999999999", 8, true, Some(vec![0])),
            ("1e99999999999999999999", 64, true, None),
            ("1e-99999999999999999999", 64, true, None),
            ("18446744073709551615", 64, false, Some(vec![255; 8])),
            ("18446744073709551616", 64, false, None),
            ("340282366920938463463374607431768211455", 128, false, Some(vec![255; 16])),
        ] {
            assert_eq!(written(text, 0, bits, is_signed), expected, "{text} {bits} {is_signed}");
        }
        let greatest = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
        assert_eq!(written(greatest, 0, 256, false), Some(vec![255; 32]));
        let beyond = "115792089237316195423570985008687907853269984665640564039457584007913129639936";
        assert_eq!(written(beyond, 0, 256, false), None);
        let least = "-57896044618658097711785492504343953926634992332820282019728792003956564819968";
        assert_eq!(written(least, 0, 256, true).map(|bytes| bytes[31]), Some(128));
    }

    #[test]
    fn a_fraction_is_held_up_to_the_scale_and_never_rounded() {
        assert_eq!(written("1.50", 2, 32, true), Some(vec![150, 0, 0, 0]));
        assert_eq!(written("1.500", 2, 32, true), Some(vec![150, 0, 0, 0]));
        assert_eq!(written("1.505", 2, 32, true), None);
        let digits =
            |text: &str, most| Wide::scaled(&Number::parse(text).unwrap(), 2).unwrap().has_digits(most);
        assert!(digits("99.99", 4) && !digits("100", 4) && digits("-99.99", 4) && digits("0", 1));
        assert!(digits("1e70", 76));
    }

    proptest! {
        #[test]
        fn every_number_of_a_machine_is_written_as_the_machine_has_it(number: i128, other: u64) {
            prop_assert_eq!(written(&number.to_string(), 0, 128, true), Some(number.to_le_bytes().to_vec()));
            prop_assert_eq!(written(&other.to_string(), 0, 64, false), Some(other.to_le_bytes().to_vec()));
        }
    }
}
