//! Where readers stopped: who goes on reading where it left off finds its block without a search.

use std::collections::VecDeque;
use std::sync::Mutex;

use super::inner::lock;

/// Readers whose places are remembered.
const PLACES_MAX: usize = 64;

/// In the segment with this base, the block that holds the offset begins at this byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    base: u64,
    offset: u64,
    at: u64,
}

#[derive(Default)]
pub(super) struct Places(Mutex<VecDeque<Place>>);

impl Places {
    /// The byte at which the block with this offset begins, if a reader stopped there lately.
    pub(super) fn find(&self, base: u64, offset: u64) -> Option<u64> {
        let places = lock(&self.0);
        places.iter().rev().find(|place| (place.base, place.offset) == (base, offset)).map(|place| place.at)
    }

    /// Remembers where a reader stopped.
    pub(super) fn remember(&self, base: u64, offset: u64, at: u64) {
        let place = Place { base, offset, at };
        let mut places = lock(&self.0);
        if places.contains(&place) {
            return;
        }
        places.push_back(place);
        if places.len() > PLACES_MAX {
            places.pop_front();
        }
    }
}
