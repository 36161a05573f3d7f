//! A set in blocks is the set, whatever order its items come in, and joining touches only what it must.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::block::{Item, decode};
use super::super::digest_item::DigestItem;
use super::super::shelf::{Blocks, Part, Place, Reader, join};
use super::memory::MemoryBlocks;

const BLOCK_MAX_BYTES: usize = MemoryBlocks::BLOCK_MAX_BYTES;
const PLACE: Place = Place { trace: 7, part: Part::Digests };

fn item(digest: u32) -> DigestItem {
    DigestItem { digest, number: digest % 7 }
}

fn items(blocks: &MemoryBlocks) -> Vec<DigestItem> {
    blocks.of(PLACE).flat_map(|(_, block)| decode::<DigestItem>(block).unwrap()).collect()
}

fn check(blocks: &MemoryBlocks, set: &BTreeSet<u32>) {
    assert_eq!(items(blocks), set.iter().copied().map(item).collect::<Vec<_>>());
    let bounds: Vec<_> = blocks.of(PLACE).collect();
    for (place, (first, block)) in bounds.iter().enumerate() {
        assert!(block.len() <= BLOCK_MAX_BYTES);
        let upper = bounds.get(place + 1).map(|(first, _)| *first);
        for item in decode::<DigestItem>(block).unwrap() {
            let key = item.key();
            assert!(key.as_slice() >= *first && upper.is_none_or(|upper| key.as_slice() < upper));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_set_in_blocks_is_the_set(
        batches in prop::collection::vec(prop::collection::btree_set(0..20_000_u32, 0..900), 1..8),
    ) {
        let (mut blocks, mut set) = (MemoryBlocks::default(), BTreeSet::new());
        for batch in batches {
            let before = set.len();
            set.extend(&batch);
            let more = join(&mut blocks, PLACE, batch.into_iter().map(item).collect()).unwrap();
            prop_assert_eq!(more, (set.len() - before) as i64);
            check(&blocks, &set);
        }
        let mut reader = Reader::<DigestItem>::new(PLACE);
        for digest in (0..20_000_u32).step_by(37) {
            let mut found = Vec::new();
            reader.each_with_prefix(&mut blocks, &digest.to_be_bytes(), |item| found.push(*item)).unwrap();
            let expected: Vec<_> = set.get(&digest).map(|digest| item(*digest)).into_iter().collect();
            prop_assert_eq!(found, expected);
        }
    }
}

#[test]
fn what_grows_at_its_end_fills_its_blocks() {
    let mut blocks = MemoryBlocks::default();
    for number in 0..20_000 {
        join(&mut blocks, PLACE, vec![item(number * 3)]).unwrap();
    }
    let sizes: Vec<usize> = blocks.of(PLACE).map(|(_, block)| block.len()).collect();
    let (_, full) = sizes.split_last().unwrap();
    assert!(full.iter().all(|size| *size > BLOCK_MAX_BYTES * 9 / 10), "{sizes:?}");
}

#[test]
fn joining_what_is_there_writes_nothing() {
    let mut blocks = MemoryBlocks::default();
    let all = || (0..5_000).map(item).collect::<Vec<_>>();
    assert_eq!(join(&mut blocks, PLACE, all()).unwrap(), 5_000);
    let written = blocks.written;
    assert_eq!(join(&mut blocks, PLACE, all()).unwrap(), 0);
    assert_eq!(blocks.written, written);
    join(&mut blocks, PLACE, vec![item(6_000_000)]).unwrap();
    assert_eq!(blocks.written, written + 1);
}

#[test]
fn items_with_one_prefix_are_found_across_blocks() {
    let mut blocks = MemoryBlocks::default();
    let same = |number| DigestItem { digest: 42, number };
    join(&mut blocks, PLACE, (0..2_000).map(same).collect()).unwrap();
    assert!(blocks.of(PLACE).count() > 2);
    let mut found = Vec::new();
    let mut reader = Reader::<DigestItem>::new(PLACE);
    reader.each_with_prefix(&mut blocks, &42_u32.to_be_bytes(), |item| found.push(*item)).unwrap();
    assert_eq!(found, (0..2_000).map(same).collect::<Vec<_>>());
}
