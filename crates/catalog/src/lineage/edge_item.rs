//! Edges as they are kept, by the numbers of their ends.

use std::cmp::Ordering;

use weir_core::lineage::{EdgeFacts, EdgeKind, Join, Latest};
use weir_core::time::Timestamp;

use super::block::Item;
use super::bytes::{Damaged, Input, put_number, put_step, put_text};

/// In the byte that begins an edge, above its kind: whether it tells an operation, and what of it stands before already.
const HAS_OPERATION: u8 = 4;
const SAME_MOMENT: u8 = 8;
const SAME_OPERATION: u8 = 16;

/// An edge by where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeItem {
    pub from: u32,
    pub to: u32,
    pub kind: EdgeKind,
    pub facts: EdgeFacts,
}

/// An edge by where it ends. What is known of it stands with the other one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackwardItem {
    pub to: u32,
    pub from: u32,
    pub kind: EdgeKind,
}

impl EdgeItem {
    fn moment(&self) -> i64 {
        self.facts.operation.moment().unwrap_or_default().as_micros()
    }
}

impl Item for EdgeItem {
    fn compare(&self, other: &Self) -> Ordering {
        (self.from, self.to, self.kind).cmp(&(other.from, other.to, other.kind))
    }

    fn key(&self) -> Vec<u8> {
        key(self.from, self.to, self.kind)
    }

    fn join(&mut self, other: Self) {
        self.facts.join(other.facts);
    }

    fn write(&self, before: Option<&Self>, out: &mut Vec<u8>) {
        let told = before.and_then(|before| before.facts.operation.0.as_ref());
        let (mut head, moment) = (number_of(self.kind), before.map_or(0, Self::moment));
        if let Some((at, operation)) = &self.facts.operation.0 {
            head |= HAS_OPERATION;
            head |= if at.as_micros() == moment { SAME_MOMENT } else { 0 };
            head |= if told.is_some_and(|(_, told)| told == operation) { SAME_OPERATION } else { 0 };
        }
        out.push(head);
        write_ends((self.from, self.to), before.map(|before| (before.from, before.to)), out);
        if let Some((at, operation)) = &self.facts.operation.0 {
            if head & SAME_MOMENT == 0 {
                put_step(out, moment, at.as_micros());
            }
            if head & SAME_OPERATION == 0 {
                put_text(out, operation);
            }
        }
    }

    fn read(before: Option<&Self>, input: &mut Input<'_>) -> Result<Self, Damaged> {
        let head = input.byte()?;
        let (from, to) = read_ends(before.map(|before| (before.from, before.to)), input)?;
        let mut facts = EdgeFacts::default();
        if head & HAS_OPERATION != 0 {
            let moment = before.map_or(0, Self::moment);
            let at = if head & SAME_MOMENT == 0 { input.step(moment)? } else { moment };
            let operation = match head & SAME_OPERATION {
                0 => input.text()?.into(),
                _ => before.and_then(|before| before.facts.operation.value()).cloned().ok_or(Damaged)?,
            };
            facts.operation = Latest::at(Timestamp::from_micros(at), operation);
        }
        Ok(Self { from, to, kind: kind_of(head & 3), facts })
    }
}

impl Item for BackwardItem {
    fn compare(&self, other: &Self) -> Ordering {
        (self.to, self.from, self.kind).cmp(&(other.to, other.from, other.kind))
    }

    fn key(&self) -> Vec<u8> {
        key(self.to, self.from, self.kind)
    }

    fn join(&mut self, _: Self) {}

    fn write(&self, before: Option<&Self>, out: &mut Vec<u8>) {
        out.push(number_of(self.kind));
        write_ends((self.to, self.from), before.map(|before| (before.to, before.from)), out);
    }

    fn read(before: Option<&Self>, input: &mut Input<'_>) -> Result<Self, Damaged> {
        let kind = kind_of(input.byte()? & 3);
        let (to, from) = read_ends(before.map(|before| (before.to, before.from)), input)?;
        Ok(Self { to, from, kind })
    }
}

fn key(one: u32, other: u32, kind: EdgeKind) -> Vec<u8> {
    [one.to_be_bytes().as_slice(), &other.to_be_bytes(), &[number_of(kind)]].concat()
}

/// Two numbers that follow two others in order. What is made is mostly numbered soon after what it was made of.
fn write_ends((one, other): (u32, u32), before: Option<(u32, u32)>, out: &mut Vec<u8>) {
    let (before_one, before_other) = before.unwrap_or((0, 0));
    put_number(out, u64::from(one - before_one));
    let near = if before.is_some() && one == before_one { before_other } else { one };
    put_step(out, i64::from(near), i64::from(other));
}

fn read_ends(before: Option<(u32, u32)>, input: &mut Input<'_>) -> Result<(u32, u32), Damaged> {
    let (before_one, before_other) = before.unwrap_or((0, 0));
    let one = before_one.checked_add(input.small()?).ok_or(Damaged)?;
    let near = if before.is_some() && one == before_one { before_other } else { one };
    let other = u32::try_from(input.step(i64::from(near))?).map_err(|_| Damaged)?;
    Ok((one, other))
}

/// On disk; never another.
fn number_of(kind: EdgeKind) -> u8 {
    match kind {
        EdgeKind::Derive => 0,
        EdgeKind::Write => 1,
        EdgeKind::Send => 2,
        EdgeKind::Replay => 3,
    }
}

fn kind_of(number: u8) -> EdgeKind {
    match number {
        0 => EdgeKind::Derive,
        1 => EdgeKind::Write,
        2 => EdgeKind::Send,
        _ => EdgeKind::Replay,
    }
}
