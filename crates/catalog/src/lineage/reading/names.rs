//! Names by number, and numbers by name.

use std::ops::ControlFlow;

use weir_core::lineage::Node;

use super::each;
use crate::lineage::bytes::Damaged;
use crate::lineage::digest_item::{DigestItem, digest, upper};
use crate::lineage::name_item::NameItem;
use crate::lineage::shelf::{Blocks, Part, Place, Reader};
use crate::lineage::tables::GivenNames;

/// Looks names up by their numbers.
pub struct NameReader(Reader<NameItem>);

impl NameReader {
    /// The names of this trace.
    pub fn new(trace: i64) -> Self {
        Self(Reader::new(Place { trace, part: Part::Names }))
    }

    /// Where they lie.
    pub fn place(&self) -> Place {
        self.0.place()
    }

    /// The name of this number.
    pub fn item<B: Blocks>(&mut self, blocks: &mut B, number: u32) -> Result<&NameItem, B::Error> {
        Ok(self.find(blocks, number)?.ok_or(Damaged)?)
    }

    fn find<B: Blocks>(&mut self, blocks: &mut B, number: u32) -> Result<Option<&NameItem>, B::Error> {
        let items = &self.0.block(blocks, &number.to_be_bytes())?.items;
        let place = items.binary_search_by_key(&number, |item| item.number);
        Ok(place.ok().map(|place| &items[place]))
    }

    /// The name under which the node of this one is kept.
    pub fn root<B: Blocks>(&mut self, blocks: &mut B, number: u32) -> Result<u32, B::Error> {
        Ok(self.item(blocks, number)?.root.unwrap_or(number))
    }

    /// All names of the node that is kept here.
    pub fn numbers<B: Blocks>(&mut self, blocks: &mut B, root: u32) -> Result<Vec<u32>, B::Error> {
        let others = &self.item(blocks, root)?.others;
        Ok(std::iter::once(root).chain(others.iter().copied()).collect())
    }

    /// The node that is kept here.
    pub fn node<B: Blocks>(&mut self, blocks: &mut B, root: u32) -> Result<Node, B::Error> {
        let item = self.item(blocks, root)?.clone();
        let others = item.others.iter().map(|other| Ok(self.item(blocks, *other)?.named()));
        let others = others.collect::<Result<Vec<_>, B::Error>>()?;
        Ok(item.node(others))
    }
}

/// The name that has this number among all, at or after one of the trace's; `None` where it is a word, or no name's.
pub fn number_of_id<B: Blocks>(blocks: &mut B, given: &GivenNames, id: i64) -> Result<Option<u32>, B::Error> {
    let GivenNames { trace, first_id, first_number } = *given;
    // Names get both numbers one after the other, but for those that older versions wrote.
    let guess = u32::try_from(id - first_id).ok().and_then(|further| first_number.checked_add(further));
    if let Some(guess) = guess
        && let Some(item) = NameReader::new(trace).find(blocks, guess)?
        && item.id == id
    {
        return Ok(item.word().is_none().then_some(guess));
    }
    let mut found = None;
    let place = Place { trace, part: Part::Names };
    each::<NameItem, B>(blocks, place, &first_number.to_be_bytes(), |item| {
        if item.id == id && item.word().is_none() {
            found = Some(item.number);
        }
        Ok(if item.id < id { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    Ok(found)
}

/// The greatest number among all that one of the trace's names has, from this one of them on.
pub fn greatest_id<B: Blocks>(
    blocks: &mut B,
    trace: i64,
    first_number: u32,
) -> Result<Option<i64>, B::Error> {
    let mut greatest = None;
    let place = Place { trace, part: Part::Names };
    each::<NameItem, B>(blocks, place, &first_number.to_be_bytes(), |item| {
        greatest = greatest.max(Some(item.id));
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(greatest)
}

/// The number of a node's name.
pub fn number_of_name<B: Blocks>(blocks: &mut B, trace: i64, name: &str) -> Result<Option<u32>, B::Error> {
    let mut digests = Reader::<DigestItem>::new(Place { trace, part: Part::Digests });
    let mut candidates = Vec::new();
    let prefix = upper(digest(name)).to_be_bytes();
    digests.each_with_prefix(blocks, &prefix, |item| candidates.push(item.number))?;
    let mut names = NameReader::new(trace);
    for number in candidates {
        if &*names.item(blocks, number)?.name == name {
            return Ok(Some(number));
        }
    }
    Ok(None)
}
