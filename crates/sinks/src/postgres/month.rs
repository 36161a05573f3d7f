//! A calendar month in UTC: what a partition holds.

use std::fmt;

use weir_core::time::Timestamp;

/// Counted from January of year 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Month(i32);

impl Month {
    /// The month that this moment is in.
    pub fn of(moment: Timestamp) -> Self {
        let (year, month, _) = moment.date();
        Self(i32::from(year) * 12 + i32::from(month) - 1)
    }

    /// So many months later, or earlier.
    pub fn plus(self, months: i32) -> Self {
        Self(self.0 + months)
    }

    /// Its first moment; the nearest one that can be written, before year 1 and after 9999.
    pub fn begin(self) -> Timestamp {
        let year = self.year().clamp(1, 9999);
        let text = format!("{year:04}-{:02}-01T00:00:00Z", self.month());
        let moment = Timestamp::parse(&text).unwrap_or_default();
        match self.year() {
            ..1 => Timestamp::from_micros(i64::MIN),
            10_000.. => Timestamp::from_micros(i64::MAX),
            _ => moment,
        }
    }

    /// Its first moment as the server reads it, which has later years.
    pub fn literal(self) -> String {
        format!("'{:04}-{:02}-01 00:00:00+00'", self.year(), self.month())
    }

    fn year(self) -> i32 {
        self.0.div_euclid(12)
    }

    fn month(self) -> i32 {
        self.0.rem_euclid(12) + 1
    }
}

/// As in the name of a partition: `2026_11`.
impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}_{:02}", self.year(), self.month())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_follow_one_another_over_the_years() {
        let of = |text: &str| Month::of(Timestamp::parse(text).unwrap());
        let december = of("2026-12-31T23:59:59.999999Z");
        assert_eq!(december.plus(1), of("2027-01-01T00:00:00Z"));
        assert_eq!(december.plus(-12).to_string(), "2025_12");
        assert_eq!(december.plus(1).begin().to_string(), "2027-01-01T00:00:00.000000Z");
        assert_eq!(of("9999-12-01T00:00:00Z").plus(1).literal(), "'10000-01-01 00:00:00+00'");
        assert_eq!(of("0001-01-01T00:00:00Z").plus(-1).begin().to_string(), "0001-01-01T00:00:00.000000Z");
    }
}
