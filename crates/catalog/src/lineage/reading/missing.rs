//! What senders numbered and never sent.

use std::collections::HashMap;
use std::ops::ControlFlow;

use weir_core::lineage::{Missing, Ranges};

use super::each;
use super::names::NameReader;
use crate::lineage::bytes::Damaged;
use crate::lineage::sequence_item::SequenceItem;
use crate::lineage::shelf::{Blocks, Part, Place};

/// The gaps in what senders numbered.
pub fn missing<B: Blocks>(blocks: &mut B, trace: i64) -> Result<(Vec<Missing>, u64), B::Error> {
    let mut seen: HashMap<u32, Ranges> = HashMap::new();
    each::<SequenceItem, B>(blocks, Place { trace, part: Part::Sequences }, &[], |item| {
        seen.entry(item.sender).or_default().add_range(item.from, item.to);
        Ok(ControlFlow::Continue(()))
    })?;
    let mut names = NameReader::new(trace);
    let mut of_senders = Vec::with_capacity(seen.len());
    for (sender, seen) in seen {
        of_senders.push((Box::from(names.item(blocks, sender)?.word().ok_or(Damaged)?), seen));
    }
    of_senders.sort_unstable_by(|(one, _): &(Box<str>, Ranges), (other, _)| one.cmp(other));
    let gaps = of_senders.iter().flat_map(|(sender, seen)| seen.gaps().map(|gap| (sender.clone(), gap)));
    Ok(Missing::of(gaps))
}
