//! The ids that a batch has brought so far.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use weir_core::event::EventId;

/// Knows an event of a batch that comes a second time.
pub(crate) struct Seen(HashSet<EventId, BuildHasherDefault<IdHasher>>);

impl Seen {
    /// For a batch of so many events.
    pub fn with_capacity(events: usize) -> Self {
        Self(HashSet::with_capacity_and_hasher(events, BuildHasherDefault::default()))
    }

    /// Takes note of an event. Whether it is the first of this id.
    pub fn is_first(&mut self, id: EventId) -> bool {
        self.0.insert(id)
    }

    /// It is not to be stored after all.
    pub fn forget(&mut self, id: EventId) {
        self.0.remove(&id);
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// An id is the outcome of a digest, or random in its second half: it need not be hashed, only folded.
#[derive(Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut part = [0; 8];
            part[..chunk.len()].copy_from_slice(chunk);
            // An odd factor spreads what differs over all bits, the upper ones above all.
            self.0 = (self.0.rotate_left(5) ^ u64::from_le_bytes(part)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }

    /// The length, which is always the same.
    fn write_usize(&mut self, _: usize) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_differ_anywhere_are_told_apart_and_fall_into_different_places() {
        let ids: Vec<EventId> = (0..16_384_u32)
            .map(|number| {
                let mut id = [7; 16];
                let at = (number % 13) as usize;
                id[at..at + 3].copy_from_slice(&number.to_le_bytes()[..3]);
                EventId(id)
            })
            .collect();
        let mut seen = Seen::with_capacity(ids.len());
        assert!(ids.iter().all(|id| seen.is_first(*id)));
        assert!(!ids.iter().any(|id| seen.is_first(*id)));
        seen.forget(ids[7]);
        assert_eq!(seen.len(), ids.len() - 1);
        assert!(seen.is_first(ids[7]));
    }
}
