//! Blocks at hand: those that were fetched, and what was made of them and is not written yet.
//!
//! **Constraint.** A block is known with the bound of the next one, so that it is known too which keys lie in it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use crate::lineage::shelf::{Found, Place};

/// Blocks by where they lie.
#[derive(Default)]
pub(super) struct Shelves {
    blocks: BTreeMap<Place, BTreeMap<Vec<u8>, Kept>>,
    /// Traces all of whose blocks are at hand.
    whole: BTreeSet<i64>,
}

/// A block at hand.
#[derive(Default)]
struct Kept {
    block: Vec<u8>,
    upper: Option<Vec<u8>>,
    is_changed: bool,
    /// What it takes up where it is stored.
    stored_bytes: usize,
}

/// A block that is to be written.
pub(super) struct Change<'s> {
    pub place: Place,
    pub first: &'s [u8],
    pub block: &'s [u8],
    /// What it takes the place of.
    pub replaced_bytes: usize,
}

impl Shelves {
    /// All blocks of the trace are at hand, now or as soon as they are added.
    pub fn set_whole(&mut self, trace: i64) {
        self.whole.insert(trace);
    }

    /// Whether all blocks of the trace are at hand.
    pub fn is_whole(&self, trace: i64) -> bool {
        self.whole.contains(&trace)
    }

    /// Takes up a block that is stored, unless it is at hand.
    pub fn add(&mut self, place: Place, found: Found, stored_bytes: usize) {
        let Found { first, upper, block } = found;
        let kept = Kept { block, upper, is_changed: false, stored_bytes };
        self.blocks.entry(place).or_default().entry(first).or_insert(kept);
    }

    /// Whether the block of this key is at hand.
    pub fn has(&self, place: Place, key: &[u8]) -> bool {
        self.is_whole(place.trace) || self.of_key(place, key).is_some()
    }

    /// The block between whose bounds the key lies, if it is at hand.
    pub fn find(&self, place: Place, key: &[u8]) -> Option<Found> {
        match self.of_key(place, key) {
            Some((first, Kept { block, upper, .. })) => {
                Some(Found { first: first.clone(), upper: upper.clone(), block: block.clone() })
            }
            None => self.is_whole(place.trace).then(Found::default),
        }
    }

    fn of_key(&self, place: Place, key: &[u8]) -> Option<(&Vec<u8>, &Kept)> {
        let blocks = self.blocks.get(&place)?;
        let nearest = blocks.range::<[u8], _>((Bound::Unbounded, Bound::Included(key))).next_back();
        nearest.filter(|(_, kept)| kept.upper.as_deref().is_none_or(|upper| key < upper))
    }

    /// Keeps a block under its bound. One that is new divides the one in which its bound lies.
    pub fn put(&mut self, place: Place, first: &[u8], block: &[u8]) {
        let blocks = self.blocks.entry(place).or_default();
        if !blocks.contains_key(first) {
            let range = (Bound::Unbounded, Bound::Excluded(first));
            let before = blocks.range_mut::<[u8], _>(range).next_back();
            let upper = before.and_then(|(_, before)| before.upper.replace(first.to_vec()));
            blocks.insert(first.to_vec(), Kept { upper, ..Kept::default() });
        }
        if let Some(kept) = blocks.get_mut(first) {
            kept.block = block.to_vec();
            kept.is_changed = true;
        }
    }

    /// What has to be written.
    pub fn changes(&self) -> impl Iterator<Item = Change<'_>> {
        self.blocks.iter().flat_map(|(place, blocks)| {
            let changed = blocks.iter().filter(|(_, kept)| kept.is_changed);
            changed.map(|(first, kept)| Change {
                place: *place,
                first,
                block: &kept.block,
                replaced_bytes: kept.stored_bytes,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lineage::shelf::Part;

    const PLACE: Place = Place { trace: 7, part: Part::Names };

    fn found(first: &[u8], upper: Option<&[u8]>, block: &[u8]) -> Found {
        Found { first: first.to_vec(), upper: upper.map(<[u8]>::to_vec), block: block.to_vec() }
    }

    #[test]
    fn only_keys_between_a_blocks_bounds_lie_in_it() {
        let mut shelves = Shelves::default();
        assert_eq!(shelves.find(PLACE, b"c"), None);
        shelves.add(PLACE, found(b"c", Some(b"f"), b"one"), 9);
        for (key, is_there) in [(b"b", false), (b"c", true), (b"e", true), (b"f", false)] {
            assert_eq!((shelves.has(PLACE, key), shelves.find(PLACE, key).is_some()), (is_there, is_there));
        }
        assert_eq!(shelves.changes().count(), 0);
    }

    #[test]
    fn a_new_block_takes_over_the_upper_part_of_the_one_in_which_it_lies() {
        let mut shelves = Shelves::default();
        shelves.add(PLACE, found(b"", Some(b"x"), b"all"), 9);
        shelves.put(PLACE, b"", b"lower");
        shelves.put(PLACE, b"m", b"upper");
        assert_eq!(shelves.find(PLACE, b"a"), Some(found(b"", Some(b"m"), b"lower")));
        assert_eq!(shelves.find(PLACE, b"n"), Some(found(b"m", Some(b"x"), b"upper")));
        assert!(!shelves.has(PLACE, b"x"));
        let changes: Vec<_> = shelves.changes().map(|change| (change.first, change.replaced_bytes)).collect();
        assert_eq!(changes, [(b"".as_slice(), 9), (b"m", 0)]);
    }

    #[test]
    fn what_a_whole_trace_does_not_have_is_empty() {
        let mut shelves = Shelves::default();
        shelves.set_whole(7);
        assert_eq!(shelves.find(PLACE, b"a"), Some(Found::default()));
        shelves.put(PLACE, b"", b"first");
        assert_eq!(shelves.find(PLACE, b"a"), Some(found(b"", None, b"first")));
        assert!(!shelves.has(Place { trace: 8, ..PLACE }, b"a"));
    }
}
