//! Which numbers of a sequence were seen, kept as ranges: what is missing is what lies between them.

use std::collections::BTreeMap;

use super::merge::Join;

/// Numbers from 1 on. Neighbours are one range, so the same numbers are the same ranges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges(BTreeMap<u64, u64>);

impl Ranges {
    /// The number was seen.
    pub fn add(&mut self, number: u64) {
        self.add_range(number, number);
    }

    /// All numbers from `from` to `to`, both included, were seen.
    pub fn add_range(&mut self, mut from: u64, mut to: u64) {
        // Every range that overlaps the new one, or touches it, becomes part of it.
        while let Some((&start, &end)) = self.0.range(..=to.saturating_add(1)).next_back()
            && end.saturating_add(1) >= from
        {
            self.0.remove(&start);
            from = from.min(start);
            to = to.max(end);
        }
        self.0.insert(from, to);
    }

    /// The ranges, rising; both ends included.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        self.0.iter().map(|(from, to)| (*from, *to))
    }

    /// The ranges that are missing between 1 and the greatest number seen, rising; both ends included.
    pub fn gaps(&self) -> impl Iterator<Item = (u64, u64)> {
        let before = std::iter::once(0).chain(self.0.values().copied());
        self.0
            .keys()
            .zip(before)
            .filter_map(|(next, last)| (last + 1 < *next).then_some((last + 1, next - 1)))
    }
}

impl Join for Ranges {
    fn join(&mut self, other: Self) {
        for (from, to) in other.0 {
            self.add_range(from, to);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_missing_is_told_as_ranges() {
        let mut seen = Ranges::default();
        assert_eq!(seen.gaps().count(), 0);
        for number in [20, 3, 16, 4, 2] {
            seen.add(number);
        }
        assert_eq!(seen.gaps().collect::<Vec<_>>(), [(1, 1), (5, 15), (17, 19)]);
        seen.add_range(1, 30);
        assert_eq!(seen.iter().collect::<Vec<_>>(), [(1, 30)]);
    }

    proptest! {
        #[test]
        fn ranges_are_the_set_of_their_numbers(
            ranges in prop::collection::vec((1_u64..40, 0_u64..5), 0..20), split in 0_usize..20,
        ) {
            let mut set = BTreeSet::new();
            let (mut one, mut other) = (Ranges::default(), Ranges::default());
            for (place, (from, more)) in ranges.iter().enumerate() {
                set.extend(*from..=from + more);
                if place < split { &mut one } else { &mut other }.add_range(*from, from + more);
            }
            other.join(one.clone());
            other.join(one);
            let numbers: Vec<u64> = other.iter().flat_map(|(from, to)| from..=to).collect();
            prop_assert_eq!(numbers, set.iter().copied().collect::<Vec<_>>());
            let missing: Vec<u64> = other.gaps().flat_map(|(from, to)| from..=to).collect();
            let greatest = set.last().copied().unwrap_or(0);
            prop_assert_eq!(missing, (1..=greatest).filter(|n| !set.contains(n)).collect::<Vec<_>>());
            prop_assert!(other.iter().zip(other.iter().skip(1)).all(|(left, right)| left.1 + 1 < right.0));
        }
    }
}
