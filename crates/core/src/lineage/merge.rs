//! Values that join: in any order, in any grouping, any number of times, with the same outcome.

use std::collections::BTreeMap;

use crate::time::Timestamp;

/// Joining is commutative, associative and idempotent; an order of records cannot be told from what comes out.
pub trait Join {
    /// Takes in what the other knows.
    fn join(&mut self, other: Self);
}

/// What was told for the latest moment; of two at once, the greater.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latest<T>(pub Option<(Timestamp, T)>);

/// What was told for the earliest moment; of two at once, the lesser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earliest<T>(pub Option<(Timestamp, T)>);

impl<T> Default for Latest<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Default for Earliest<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Latest<T> {
    /// Told at one moment.
    pub fn at(moment: Timestamp, value: T) -> Self {
        Self(Some((moment, value)))
    }

    /// The value, if anything was told.
    pub fn value(&self) -> Option<&T> {
        self.0.as_ref().map(|(_, value)| value)
    }

    /// Its moment.
    pub fn moment(&self) -> Option<Timestamp> {
        self.0.as_ref().map(|(moment, _)| *moment)
    }
}

impl<T> Earliest<T> {
    /// Told at one moment.
    pub fn at(moment: Timestamp, value: T) -> Self {
        Self(Some((moment, value)))
    }

    /// The value, if anything was told.
    pub fn value(&self) -> Option<&T> {
        self.0.as_ref().map(|(_, value)| value)
    }

    /// Its moment.
    pub fn moment(&self) -> Option<Timestamp> {
        self.0.as_ref().map(|(moment, _)| *moment)
    }
}

impl<T: Ord> Join for Latest<T> {
    fn join(&mut self, other: Self) {
        // None is less than anything that was told.
        if other.0 > self.0 {
            *self = other;
        }
    }
}

impl<T: Ord> Join for Earliest<T> {
    fn join(&mut self, other: Self) {
        if let Some(told) = other.0
            && self.0.as_ref().is_none_or(|known| told < *known)
        {
            self.0 = Some(told);
        }
    }
}

impl<K: Ord, V: Join> Join for BTreeMap<K, V> {
    fn join(&mut self, other: Self) {
        for (key, value) in other {
            match self.get_mut(&key) {
                Some(known) => known.join(value),
                None => drop(self.insert(key, value)),
            }
        }
    }
}

/// The earlier of two moments, where there are any.
pub(super) fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
