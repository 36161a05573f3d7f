//! A JSON number by its digits: compared and converted exactly, however long it is.

use std::cmp::Ordering;

/// Exponents further from zero than this count as this; no store or filter reaches there.
const EXPONENT_MAX: i64 = 1 << 40;

/// A number as it was written. Two are equal when their values are: `1`, `1.0` and `10e-1`.
#[derive(Clone, Copy, Debug)]
pub struct Number<'a> {
    text: &'a str,
}

impl<'a> Number<'a> {
    /// The number that this valid JSON text stands for.
    pub(super) fn of(text: &'a str) -> Self {
        Self { text }
    }

    /// Reads a number as JSON writes it. `None` for any other text.
    pub fn parse(text: &'a str) -> Option<Self> {
        let number: &serde_json::value::RawValue = serde_json::from_str(text).ok()?;
        let begins = |byte: &u8| *byte == b'-' || byte.is_ascii_digit();
        number.get().as_bytes().first().is_some_and(begins).then(|| Self { text: number.get() })
    }

    /// As it was written.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The whole number that it is. `None` where it has a fraction, or more digits than an `i128` holds.
    pub fn integer(&self) -> Option<i128> {
        let decimal = Decimal::of(self.text);
        let places = match decimal.digits().next() {
            None => return Some(0),
            Some(_) => usize::try_from(decimal.magnitude).ok().filter(|places| *places <= 39)?,
        };
        if decimal.digits().skip(places).any(|digit| digit != b'0') {
            return None;
        }
        let digits = decimal.digits().chain(std::iter::repeat(b'0')).take(places);
        // Downwards, as there is one more below zero than above.
        let mut below_zero = 0_i128;
        for digit in digits {
            below_zero = below_zero.checked_mul(10)?.checked_sub(i128::from(digit - b'0'))?;
        }
        if decimal.negative { Some(below_zero) } else { below_zero.checked_neg() }
    }

    /// The nearest double. `None` where that is infinite, or zero for a number that is not.
    pub fn double(&self) -> Option<f64> {
        let double: f64 = self.text.parse().ok()?;
        let vanished = double == 0.0 && Decimal::of(self.text).digits().next().is_some();
        (double.is_finite() && !vanished).then_some(double)
    }
}

impl PartialEq for Number<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number<'_> {}

impl PartialOrd for Number<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        Decimal::of(self.text).cmp(&Decimal::of(other.text))
    }
}

/// `0.d₁d₂d₃… × 10^magnitude`, the first digit not zero; without digits it is zero.
struct Decimal<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    magnitude: i64,
}

impl<'a> Decimal<'a> {
    fn of(text: &'a str) -> Self {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, read_exponent(exponent)),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        let leading_zeros = fraction.len() - fraction.trim_start_matches('0').len();
        let places = if whole.is_empty() { -(leading_zeros as i64) } else { whole.len() as i64 };
        Self { negative, whole, fraction, magnitude: places + exponent }
    }

    fn digits(&self) -> impl Iterator<Item = u8> {
        self.whole.bytes().chain(self.fraction.bytes()).skip_while(|digit| *digit == b'0')
    }

    /// -1, 0 or 1.
    fn sign(&self) -> i8 {
        match (self.digits().next(), self.negative) {
            (None, _) => 0,
            (Some(_), true) => -1,
            (Some(_), false) => 1,
        }
    }

    fn cmp(&self, other: &Self) -> Ordering {
        let by_sign = self.sign().cmp(&other.sign());
        if by_sign != Ordering::Equal || self.sign() == 0 {
            return by_sign;
        }
        let by_size = self.magnitude.cmp(&other.magnitude).then_with(|| self.compare_digits(other));
        if self.negative { by_size.reverse() } else { by_size }
    }

    fn compare_digits(&self, other: &Self) -> Ordering {
        let (mut left, mut right) = (self.digits(), other.digits());
        loop {
            match (left.next(), right.next()) {
                (None, None) => return Ordering::Equal,
                (left, right) => match left.unwrap_or(b'0').cmp(&right.unwrap_or(b'0')) {
                    Ordering::Equal => {}
                    differs => return differs,
                },
            }
        }
    }
}

fn read_exponent(text: &str) -> i64 {
    match text.parse::<i64>() {
        Ok(exponent) => exponent.clamp(-EXPONENT_MAX, EXPONENT_MAX),
        Err(_) if text.starts_with('-') => -EXPONENT_MAX,
        Err(_) => EXPONENT_MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(text: &str) -> Number<'_> {
        Number::parse(text).unwrap()
    }

    #[test]
    fn one_value_is_written_in_many_ways() {
        for same in [["1", "1.0"], ["10", "1e1"], ["0", "-0.0e9"], ["0.05", "5E-2"], ["100.10", "1.001e+2"]] {
            assert_eq!(number(same[0]), number(same[1]));
        }
    }

    #[test]
    fn what_a_double_would_confuse_is_told_apart() {
        for rising in [
            ["9007199254740992", "9007199254740993"],
            ["0.1", "0.10000000000000000001"],
            ["1e400", "1.1e400"],
            ["-2e400", "1e-400"],
            ["-1.5", "-1.4"],
            ["0", "1e-9999999999999999999"],
            ["9e99", "1e9999999999999999999"],
        ] {
            assert!(number(rising[0]) < number(rising[1]), "{rising:?}");
            assert!(number(rising[1]) > number(rising[0]), "{rising:?}");
        }
    }

    #[test]
    fn a_whole_number_is_whole_however_it_is_written() {
        let whole = |text| number(text).integer();
        assert_eq!(whole("-12.50e1"), Some(-125));
        assert_eq!(whole("0.0"), Some(0));
        assert_eq!(whole("1e3"), Some(1000));
        assert_eq!(whole("170141183460469231731687303715884105727"), Some(i128::MAX));
        assert_eq!(whole("-170141183460469231731687303715884105728"), Some(i128::MIN));
        for none in ["1.5", "1e-1", "170141183460469231731687303715884105728", "1e40", "1e999999999999"] {
            assert_eq!(whole(none), None, "{none}");
        }
    }

    #[test]
    fn a_double_is_neither_infinite_nor_nothing_for_something() {
        let double = |text| number(text).double();
        assert_eq!(double("1.5"), Some(1.5));
        assert_eq!(double("-0"), Some(0.0));
        assert_eq!((double("1e400"), double("1e-400"), double("0e-400")), (None, None, Some(0.0)));
    }

    #[test]
    fn other_text_is_no_number() {
        for bad in ["", "x", "\"1\"", "01", "1.", "+1", "true", "null", "1 2", "NaN", "{}"] {
            assert!(Number::parse(bad).is_none(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn order_and_value_are_those_of_whole_numbers(left: i128, right: i128, zeros in 0_usize..4) {
            let (left_text, right_text) = (left.to_string(), format!("{right}.{}", "0".repeat(zeros + 1)));
            prop_assert_eq!(number(&left_text).cmp(&number(&right_text)), left.cmp(&right));
            prop_assert_eq!(number(&right_text).integer(), Some(right));
        }

        #[test]
        fn order_is_that_of_doubles_where_they_are_exact(left in -1_000_000_i32..1_000_000, right in -1_000_000_i32..1_000_000, by in -9_i32..9) {
            let (left_text, right_text) = (format!("{left}e{by}"), format!("{right}e{by}"));
            prop_assert_eq!(number(&left_text).cmp(&number(&right_text)), left.cmp(&right));
        }
    }
}
