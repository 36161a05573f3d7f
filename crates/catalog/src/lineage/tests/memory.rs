//! Blocks in memory.

use std::collections::BTreeMap;

use super::super::bytes::Damaged;
use super::super::shelf::{Blocks, Found, Part, Place, Take};

#[derive(Default)]
pub struct MemoryBlocks {
    pub blocks: BTreeMap<(Place, Vec<u8>), Vec<u8>>,
    pub written: usize,
}

impl MemoryBlocks {
    pub fn of(&self, place: Place) -> impl DoubleEndedIterator<Item = (&[u8], &[u8])> {
        let last = Part::Databases;
        assert!(place.part <= last);
        let blocks = self.blocks.range((place, Vec::new())..).take_while(move |((of, _), _)| *of == place);
        let blocks: Vec<_> = blocks.map(|((_, first), block)| (first.as_slice(), block.as_slice())).collect();
        blocks.into_iter()
    }
}

impl Blocks for MemoryBlocks {
    type Error = Damaged;
    const BLOCK_MAX_BYTES: usize = 940;

    fn find(&mut self, place: Place, key: &[u8]) -> Result<Found, Damaged> {
        let upper = self.of(place).map(|(first, _)| first).find(|first| *first > key).map(<[u8]>::to_vec);
        let found = self.of(place).take_while(|(first, _)| *first <= key).last();
        let (first, block) = found.unwrap_or((&[], &[]));
        Ok(Found { first: first.to_vec(), upper, block: block.to_vec() })
    }

    fn put(&mut self, place: Place, first: &[u8], block: &[u8]) -> Result<(), Damaged> {
        self.written += 1;
        self.blocks.insert((place, first.to_vec()), block.to_vec());
        Ok(())
    }

    fn each(&mut self, place: Place, from: &[u8], take: Take<'_, Damaged>) -> Result<(), Damaged> {
        let first = self.find(place, from)?.first;
        for (_, block) in self.of(place).filter(|(known, _)| *known >= first.as_slice()) {
            if take(block)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn each_back(
        &mut self,
        place: Place,
        from: Option<&[u8]>,
        take: Take<'_, Damaged>,
    ) -> Result<(), Damaged> {
        for (_, block) in self.of(place).rev().filter(|(first, _)| from.is_none_or(|from| *first <= from)) {
            if take(block)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}
