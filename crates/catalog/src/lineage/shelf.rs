//! A sorted set of any size, kept as blocks: what a trace has of one part.
//!
//! **Constraint.** However large a part is, joining and looking up touch only the blocks in which the items lie. Blocks
//! of a part do not overlap: each reaches from its own bound up to that of the next.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};

use super::block::{Item, decode, encode};
use super::bytes::Damaged;

/// Which of a trace's sets. The numbers stand on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Names, with what is known of the nodes they stand for, by the names' numbers.
    Names = 1,
    /// The numbers of names, by the names' digests.
    Digests = 2,
    /// Edges, by where they begin.
    Edges = 3,
    /// Edges, by where they end.
    Backwards = 4,
    /// Records, by moment.
    Records = 5,
    /// Ranges of numbers seen, by sender.
    Sequences = 6,
    /// Databases.
    Databases = 7,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Names,
        Self::Digests,
        Self::Edges,
        Self::Backwards,
        Self::Records,
        Self::Sequences,
        Self::Databases,
    ];
}

/// A trace's set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The trace's number.
    pub trace: i64,
    /// Which of its sets.
    pub part: Part,
}

/// A block, and the bounds between which its items lie.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The lower bound; of the first block nothing at all.
    pub first: Vec<u8>,
    /// The bound of the next block, if there is one.
    pub upper: Option<Vec<u8>>,
    /// Its items; empty where the part has no block yet.
    pub block: Vec<u8>,
}

/// Takes one block after the other, until it breaks.
pub type Take<'a, Error> = &'a mut dyn FnMut(&[u8]) -> Result<ControlFlow<()>, Error>;

/// Where blocks are kept.
pub trait Blocks {
    /// What can go wrong.
    type Error: From<Damaged>;

    /// A block grows to this, unless one item alone is larger: what lies well in a page.
    const BLOCK_MAX_BYTES: usize;

    /// Whether it is worth some work to know beforehand which keys will be looked for.
    const IS_FAR: bool = false;

    /// Says which keys will be looked for, so that blocks that are far away can be fetched together.
    fn expect(&mut self, _place: Place, _keys: &mut dyn Iterator<Item = Vec<u8>>) -> Result<(), Self::Error> {
        Ok(())
    }

    /// The same of several sets, in one exchange.
    fn expect_all(&mut self, _wanted: Vec<(Place, Vec<Vec<u8>>)>) -> Result<(), Self::Error> {
        Ok(())
    }

    /// The block between whose bounds the key lies.
    fn find(&mut self, place: Place, key: &[u8]) -> Result<Found, Self::Error>;

    /// Keeps a block under its bound; it takes the place of the one that was there.
    fn put(&mut self, place: Place, first: &[u8], block: &[u8]) -> Result<(), Self::Error>;

    /// Hands blocks to `take`, in order, beginning with the one between whose bounds the key lies, until it breaks.
    fn each(&mut self, place: Place, from: &[u8], take: Take<'_, Self::Error>) -> Result<(), Self::Error>;

    /// The same, from the last block (or the one between whose bounds the key lies) to the first.
    fn each_back(
        &mut self,
        place: Place,
        from: Option<&[u8]>,
        take: Take<'_, Self::Error>,
    ) -> Result<(), Self::Error>;
}

/// Joins items, sorted, to the set. How many more there are now.
pub fn join<I: Item, B: Blocks>(blocks: &mut B, place: Place, items: Vec<I>) -> Result<i64, B::Error> {
    let mut more = 0;
    blocks.expect(place, &mut items.iter().map(Item::key))?;
    let mut items = items.into_iter().peekable();
    while let Some(next) = items.peek() {
        let found = blocks.find(place, &next.key())?;
        let mut share = Vec::new();
        while let Some(item) =
            items.next_if(|item| found.upper.as_ref().is_none_or(|upper| item.key() < *upper))
        {
            share.push(item);
        }
        more += join_block(blocks, place, &found, share)?;
    }
    Ok(more)
}

fn join_block<I: Item, B: Blocks>(
    blocks: &mut B,
    place: Place,
    found: &Found,
    share: Vec<I>,
) -> Result<i64, B::Error> {
    let there: Vec<I> = if found.block.is_empty() { Vec::new() } else { decode(&found.block)? };
    let before = there.len() as i64;
    let is_after = |last: &I| share.first().is_some_and(|first| last.compare(first).is_lt());
    let grow_at_end = found.upper.is_none() && there.last().is_none_or(is_after);
    let items = I::tidy(merge(there, share));
    let more = items.len() as i64 - before;
    for (index, (first, block)) in encode(&items, grow_at_end, B::BLOCK_MAX_BYTES).into_iter().enumerate() {
        if index > 0 {
            blocks.put(place, &items[first].key(), &block)?;
        } else if block != found.block {
            blocks.put(place, &found.first, &block)?;
        }
    }
    Ok(more)
}

fn merge<I: Item>(there: Vec<I>, share: Vec<I>) -> Vec<I> {
    let mut merged: Vec<I> = Vec::with_capacity(there.len() + share.len());
    let mut there = there.into_iter().peekable();
    let mut take = |item: I| match merged.last_mut() {
        Some(last) if last.compare(&item).is_eq() => last.join(item),
        _ => merged.push(item),
    };
    for item in share {
        while let Some(earlier) = there.next_if(|known| known.compare(&item).is_le()) {
            take(earlier);
        }
        take(item);
    }
    there.for_each(take);
    merged
}

/// Looks items up. A block is read once, however many of its items are asked for.
pub struct Reader<I> {
    place: Place,
    /// By their lower bound.
    known: BTreeMap<Vec<u8>, Known<I>>,
}

/// A block that was read.
pub struct Known<I> {
    /// Its items.
    pub items: Vec<I>,
    /// The bound of the next block, if there is one.
    pub upper: Option<Vec<u8>>,
}

impl<I: Item> Reader<I> {
    /// Of one set.
    pub fn new(place: Place) -> Self {
        Self { place, known: BTreeMap::new() }
    }

    /// Which set.
    pub fn place(&self) -> Place {
        self.place
    }

    /// The block between whose bounds the key lies.
    pub fn block<B: Blocks>(&mut self, blocks: &mut B, key: &[u8]) -> Result<&Known<I>, B::Error> {
        let known = self.known.range::<[u8], _>((Bound::Unbounded, Bound::Included(key))).next_back();
        let is_known = known.filter(|(_, block)| block.upper.as_deref().is_none_or(|upper| key < upper));
        let first = match is_known.map(|(first, _)| first.clone()) {
            Some(first) => first,
            None => self.read(blocks, key)?,
        };
        // It was read just now where it was not known.
        Ok(self.known.get(&first).ok_or(Damaged)?)
    }

    fn read<B: Blocks>(&mut self, blocks: &mut B, key: &[u8]) -> Result<Vec<u8>, B::Error> {
        let Found { first, upper, block } = blocks.find(self.place, key)?;
        let items = if block.is_empty() { Vec::new() } else { decode(&block)? };
        self.known.insert(first.clone(), Known { items, upper });
        Ok(first)
    }

    /// Hands every item whose key begins with `prefix` to `take`.
    pub fn each_with_prefix<B: Blocks>(
        &mut self,
        blocks: &mut B,
        prefix: &[u8],
        mut take: impl FnMut(&I),
    ) -> Result<(), B::Error> {
        let mut key = prefix.to_vec();
        loop {
            let Known { items, upper } = self.block(blocks, &key)?;
            let from = items.partition_point(|item| item.key().as_slice() < prefix);
            items[from..].iter().take_while(|item| item.key().starts_with(prefix)).for_each(&mut take);
            match upper {
                Some(upper) if upper.starts_with(prefix) => key = upper.clone(),
                _ => return Ok(()),
            }
        }
    }
}
