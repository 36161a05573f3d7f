//! Numbers seen, by sender.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use weir_core::lineage::Ranges;

use super::block::Item;
use super::bytes::{Damaged, Input, put_number};

/// A range of numbers that were seen, both ends included. Ranges may overlap across blocks; whoever reads them joins them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequenceItem {
    /// The number of the sender's name.
    pub sender: u32,
    pub from: u64,
    pub to: u64,
}

impl Item for SequenceItem {
    fn compare(&self, other: &Self) -> Ordering {
        (self.sender, self.from).cmp(&(other.sender, other.from))
    }

    fn key(&self) -> Vec<u8> {
        [self.sender.to_be_bytes().as_slice(), &self.from.to_be_bytes()].concat()
    }

    fn join(&mut self, other: Self) {
        self.to = self.to.max(other.to);
    }

    fn write(&self, before: Option<&Self>, out: &mut Vec<u8>) {
        let (sender, end) = before.map_or((0, 0), |before| (before.sender, before.to));
        put_number(out, u64::from(self.sender - sender));
        put_number(out, self.from - if sender == self.sender { end } else { 0 });
        put_number(out, self.to - self.from);
    }

    fn read(before: Option<&Self>, input: &mut Input<'_>) -> Result<Self, Damaged> {
        let (before_sender, end) = before.map_or((0, 0), |before| (before.sender, before.to));
        let sender = before_sender.checked_add(input.small()?).ok_or(Damaged)?;
        let base = if sender == before_sender { end } else { 0 };
        let from = base.checked_add(input.number()?).ok_or(Damaged)?;
        Ok(Self { sender, from, to: from.checked_add(input.number()?).ok_or(Damaged)? })
    }

    /// Neighbours become one.
    fn tidy(items: Vec<Self>) -> Vec<Self> {
        let mut ranges: BTreeMap<u32, Ranges> = BTreeMap::new();
        for item in items {
            ranges.entry(item.sender).or_default().add_range(item.from, item.to);
        }
        let of_sender = |(sender, ranges): (&u32, &Ranges)| {
            let sender = *sender;
            ranges.iter().map(move |(from, to)| Self { sender, from, to }).collect::<Vec<_>>()
        };
        ranges.iter().flat_map(of_sender).collect()
    }
}
