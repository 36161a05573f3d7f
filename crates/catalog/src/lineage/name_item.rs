//! Names, and what is known of the nodes that they stand for.

use std::cmp::Ordering;

use weir_core::lineage::{Deed, Earliest, Json, Latest, Node, NodeFacts, NodeKind};
use weir_core::time::Timestamp;

use super::attr_name;
use super::block::Item;
use super::bytes::{Damaged, Input, put_number, put_step, put_text};

/// Begins a word that is no node's name, such as a sender. No key has it in it.
const WORD_MARK: char = '\u{1}';

/// A name of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameItem {
    /// Its number within the trace, from 0.
    pub number: u32,
    /// Its number among all; they rise with `number`.
    pub id: i64,
    /// The name.
    pub name: Box<str>,
    /// Whether it was called another's alias.
    pub is_alias: bool,
    /// The name under which its node is kept, where that is another.
    pub root: Option<u32>,
    /// The other names of the node that is kept here.
    pub others: Vec<u32>,
    /// What is known of the node that is kept here.
    pub facts: NodeFacts,
}

impl NameItem {
    /// A name of which nothing is known yet.
    pub fn new(number: u32, id: i64, name: &str) -> Self {
        Self {
            number,
            id,
            name: name.into(),
            is_alias: false,
            root: None,
            others: Vec::new(),
            facts: NodeFacts::default(),
        }
    }

    /// The name that a word is kept under.
    pub fn of_word(word: &str) -> String {
        format!("{WORD_MARK}{word}")
    }

    /// The word that the name stands for, if it is one.
    pub fn word(&self) -> Option<&str> {
        self.name.strip_prefix(WORD_MARK)
    }

    /// Its name as one of a node's.
    pub fn named(&self) -> (Box<str>, NodeFacts) {
        (self.name.clone(), NodeFacts { is_alias: self.is_alias, ..NodeFacts::default() })
    }

    /// The node that is kept here, given its other names.
    pub fn node(&self, others: impl IntoIterator<Item = (Box<str>, NodeFacts)>) -> Node {
        let facts = NodeFacts { is_alias: self.is_alias, ..self.facts.clone() };
        Node::of(self.id, std::iter::once((self.name.clone(), facts)).chain(others).collect())
    }

    /// A moment near those of the names beside it.
    fn moment(&self) -> i64 {
        let first = self.facts.deeds.all().next().map(|(_, at)| at);
        let told = first.or(self.facts.user.moment()).or(self.facts.dropped.moment());
        told.map_or(0, Timestamp::as_micros)
    }
}

/// What a name has, as bits: the ones that most have are the lowest.
mod has {
    pub const KNOWN: u64 = 1;
    pub const ATTRS: u64 = 1 << 6;
    pub const USER: u64 = 1 << 7;
    pub const SAME_USER: u64 = 1 << 8;
    pub const DROPPED: u64 = 1 << 9;
    pub const KIND: u64 = 1 << 14;
    pub const ALIAS: u64 = 1 << 15;
    pub const ROOT: u64 = 1 << 16;
    pub const OTHERS: u64 = 1 << 17;
}

/// Deeds in the order in which their moments stand, each with its bit.
const DEEDS: [(Deed, u64); 9] = [
    (Deed::Received, 1 << 1),
    (Deed::Stored, 1 << 2),
    (Deed::Made, 1 << 3),
    (Deed::Became, 1 << 4),
    (Deed::Written, 1 << 5),
    (Deed::Read, 1 << 10),
    (Deed::Sent, 1 << 11),
    (Deed::Deleted, 1 << 12),
    (Deed::Expired, 1 << 13),
];

impl Item for NameItem {
    fn compare(&self, other: &Self) -> Ordering {
        self.number.cmp(&other.number)
    }

    fn key(&self) -> Vec<u8> {
        self.number.to_be_bytes().to_vec()
    }

    /// A name is written anew with everything that is known.
    fn join(&mut self, other: Self) {
        *self = other;
    }

    fn write(&self, before: Option<&Self>, out: &mut Vec<u8>) {
        let bits = bits(self, before);
        put_number(out, bits);
        put_number(out, u64::from(self.number - before.map_or(0, |before| before.number)));
        put_step(out, before.map_or(0, |before| before.id), self.id);
        write_name(&self.name, before.map_or("", |before| &before.name), out);
        if let Some(root) = self.root {
            put_number(out, root.into());
        }
        if bits & has::OTHERS != 0 {
            put_number(out, self.others.len() as u64);
            self.others.iter().for_each(|other| put_number(out, (*other).into()));
        }
        write_facts(&self.facts, bits, before.map_or(0, Self::moment), out);
    }

    fn read(before: Option<&Self>, input: &mut Input<'_>) -> Result<Self, Damaged> {
        let bits = input.number()?;
        let number = input.small()?.checked_add(before.map_or(0, |before| before.number)).ok_or(Damaged)?;
        let id = input.step(before.map_or(0, |before| before.id))?;
        let mut item = Self::new(number, id, &read_name(before.map_or("", |before| &before.name), input)?);
        item.is_alias = bits & has::ALIAS != 0;
        if bits & has::ROOT != 0 {
            item.root = Some(input.small()?);
        }
        if bits & has::OTHERS != 0 {
            let count = input.number()?;
            item.others = (0..count).map(|_| input.small()).collect::<Result<_, _>>()?;
        }
        item.facts = read_facts(bits, before, input)?;
        Ok(item)
    }
}

fn bits(item: &NameItem, before: Option<&NameItem>) -> u64 {
    let facts = &item.facts;
    let user = facts.user.value();
    let same_user = user.is_some() && before.and_then(|before| before.facts.user.value()) == user;
    let members = [
        (facts.is_known, has::KNOWN),
        (!facts.attrs.is_empty(), has::ATTRS),
        (user.is_some(), has::USER),
        (same_user, has::SAME_USER),
        (facts.dropped.0.is_some(), has::DROPPED),
        (facts.kind.0.is_some(), has::KIND),
        (item.is_alias, has::ALIAS),
        (item.root.is_some(), has::ROOT),
        (!item.others.is_empty(), has::OTHERS),
    ];
    let deeds = DEEDS.into_iter().map(|(deed, bit)| (facts.deeds.has(deed), bit));
    members.into_iter().chain(deeds).filter(|(is, _)| *is).map(|(_, bit)| bit).sum()
}

/// What a name has in common with the one before it is not written again.
fn write_name(name: &str, before: &str, out: &mut Vec<u8>) {
    let shared = name.bytes().zip(before.bytes()).take_while(|(one, other)| one == other).count();
    put_number(out, shared as u64);
    put_number(out, (name.len() - shared) as u64);
    out.extend_from_slice(&name.as_bytes()[shared..]);
}

fn read_name(before: &str, input: &mut Input<'_>) -> Result<String, Damaged> {
    let shared = usize::try_from(input.number()?).map_err(|_| Damaged)?;
    let shared = before.as_bytes().get(..shared).ok_or(Damaged)?;
    let length = input.number()?;
    String::from_utf8([shared, input.bytes(length)?].concat()).map_err(|_| Damaged)
}

fn write_facts(facts: &NodeFacts, bits: u64, mut moment: i64, out: &mut Vec<u8>) {
    let mut put_moment = |out: &mut Vec<u8>, at: Timestamp| {
        put_step(out, moment, at.as_micros());
        moment = at.as_micros();
    };
    for (deed, _) in DEEDS {
        if let Some(at) = facts.deeds.first(deed) {
            put_moment(out, at);
        }
    }
    if let Some((at, reason)) = &facts.dropped.0 {
        put_moment(out, *at);
        put_text(out, reason);
    }
    if let Some((at, kind)) = &facts.kind.0 {
        put_moment(out, *at);
        out.push(kind_number(*kind));
    }
    if let Some((at, user)) = &facts.user.0 {
        put_moment(out, *at);
        if bits & has::SAME_USER == 0 {
            put_text(out, user);
        }
    }
    if bits & has::ATTRS != 0 {
        let told = facts.attrs.iter().filter_map(|(name, value)| Some((name, value.0.as_ref()?)));
        put_number(out, facts.attrs.len() as u64);
        for (name, (at, value)) in told {
            attr_name::put(out, name);
            put_moment(out, *at);
            put_text(out, value.as_str());
        }
    }
}

fn read_facts(bits: u64, before: Option<&NameItem>, input: &mut Input<'_>) -> Result<NodeFacts, Damaged> {
    let mut facts = NodeFacts { is_known: bits & has::KNOWN != 0, ..NodeFacts::default() };
    let mut moment = before.map_or(0, NameItem::moment);
    let mut read_moment = |input: &mut Input<'_>| {
        moment = input.step(moment)?;
        Ok(Timestamp::from_micros(moment))
    };
    for (deed, _) in DEEDS.into_iter().filter(|(_, bit)| bits & bit != 0) {
        facts.deeds.add(deed, read_moment(input)?);
    }
    if bits & has::DROPPED != 0 {
        facts.dropped = Latest::at(read_moment(input)?, input.text()?.into());
    }
    if bits & has::KIND != 0 {
        facts.kind = Latest::at(read_moment(input)?, kind_of(input.byte()?)?);
    }
    if bits & has::USER != 0 {
        let at = read_moment(input)?;
        let user = match bits & has::SAME_USER {
            0 => input.text()?.into(),
            _ => before.and_then(|before| before.facts.user.value()).cloned().ok_or(Damaged)?,
        };
        facts.user = Earliest::at(at, user);
    }
    if bits & has::ATTRS != 0 {
        for _ in 0..input.number()? {
            let name = attr_name::read(input)?;
            let at = read_moment(input)?;
            facts.attrs.insert(name.into(), Latest::at(at, Json::from_stored(input.text()?)));
        }
    }
    Ok(facts)
}

/// On disk; never another.
pub fn kind_number(kind: NodeKind) -> u8 {
    match kind {
        NodeKind::File => 0,
        NodeKind::Data => 1,
        NodeKind::Db => 2,
        NodeKind::Process => 3,
    }
}

/// What [`kind_number`] says.
pub fn kind_of(number: u8) -> Result<NodeKind, Damaged> {
    match number {
        0 => Ok(NodeKind::File),
        1 => Ok(NodeKind::Data),
        2 => Ok(NodeKind::Db),
        3 => Ok(NodeKind::Process),
        _ => Err(Damaged),
    }
}
