//! Blocks: sorted items side by side, each written as its difference from the one before.
//!
//! **Constraint.** The same items give the same bytes. A block begins with the version of its form; a version, once
//! released, is read for ever.

use std::cmp::Ordering;

use super::bytes::{Damaged, Input};

/// A block's form. What items a block holds, its part tells.
const VERSION: u8 = 1;

/// What a block is made of.
pub trait Item: Sized {
    /// Items are sorted so; two that are equal are the same.
    fn compare(&self, other: &Self) -> Ordering;

    /// Bytes that sort as the items do. Only items that are the same, for all that is likely, have the same bytes.
    fn key(&self) -> Vec<u8>;

    /// Takes in what another item says that is the same.
    fn join(&mut self, other: Self);

    /// Writes the item, given the one that stands before it.
    fn write(&self, before: Option<&Self>, out: &mut Vec<u8>);

    /// Reads what [`Item::write`] wrote.
    fn read(before: Option<&Self>, input: &mut Input<'_>) -> Result<Self, Damaged>;

    /// A block's items as they are kept: a chance to leave out what has become needless.
    fn tidy(items: Vec<Self>) -> Vec<Self> {
        items
    }
}

/// A block's items.
pub fn decode<I: Item>(block: &[u8]) -> Result<Vec<I>, Damaged> {
    let mut input = Input(block);
    if input.byte()? != VERSION {
        return Err(Damaged);
    }
    let mut items = Vec::new();
    while !input.is_empty() {
        let item = I::read(items.last(), &mut input)?;
        items.push(item);
    }
    Ok(items)
}

/// The items as blocks, each with the place of its first item among them.
///
/// A block grows to `max_bytes`, unless one item alone is larger. Where they grow at their end, full blocks stay full. Elsewhere room is left, so that the next item between them does
/// not divide a block again.
pub fn encode<I: Item>(items: &[I], grow_at_end: bool, max_bytes: usize) -> Vec<(usize, Vec<u8>)> {
    let blocks = encode_within(items, max_bytes);
    if grow_at_end || blocks.len() < 2 {
        return blocks;
    }
    let bytes: usize = blocks.iter().map(|(_, block)| block.len()).sum();
    // The last of even parts takes what is over.
    encode_within(items, (bytes / blocks.len() + max_bytes / 16).min(max_bytes))
}

fn encode_within<I: Item>(items: &[I], max_bytes: usize) -> Vec<(usize, Vec<u8>)> {
    let mut blocks: Vec<(usize, Vec<u8>)> = Vec::new();
    for (place, item) in items.iter().enumerate() {
        if let Some((_, block)) = blocks.last_mut() {
            let before = block.len();
            item.write(Some(&items[place - 1]), block);
            if block.len() <= max_bytes {
                continue;
            }
            block.truncate(before);
        }
        let mut block = vec![VERSION];
        item.write(None, &mut block);
        blocks.push((place, block));
    }
    blocks
}
