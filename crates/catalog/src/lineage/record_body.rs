//! What a record tells, with numbers for the names in it.
//!
//! **Constraint.** The same record of a trace gives the same bytes: that is how a repeat is known.

use weir_core::lineage::{Json, Members, RecordType, TelemetryRecord};
use weir_core::time::Timestamp;

use super::attr_name;
use super::bytes::{Damaged, Input, put_number, put_text};
use super::name_item::{kind_number, kind_of};
use super::record_item::RecordItem;

/// Gives names and words their numbers.
pub trait Numbers {
    /// Of a node's name.
    fn of_name(&self, name: &str) -> u32;
    /// Of a sender.
    fn of_word(&self, word: &str) -> u32;
}

/// Gives numbers their names back.
pub trait Texts {
    /// What can go wrong.
    type Error: From<Damaged>;
    /// The name or word of this number.
    fn text(&mut self, number: u32) -> Result<Box<str>, Self::Error>;
}

/// What a record names, by numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    key: Option<u32>,
    alias: Option<u32>,
    of: Option<u32>,
    parents: Vec<u32>,
    children: Vec<u32>,
    user: Option<u32>,
    sender: Option<u32>,
}

mod has {
    pub const KEY: u64 = 1;
    pub const USER: u64 = 1 << 1;
    pub const ATTRS: u64 = 1 << 2;
    pub const RELATIVES: u64 = 1 << 3;
    pub const SENDER: u64 = 1 << 4;
    pub const REASON: u64 = 1 << 5;
    pub const KIND: u64 = 1 << 6;
    pub const ALIAS: u64 = 1 << 7;
    pub const OF: u64 = 1 << 8;
    pub const EXTRA: u64 = 1 << 9;
}

impl Body {
    /// What the record names.
    pub fn of(record: &TelemetryRecord, numbers: &impl Numbers) -> Self {
        let name = |name: &Option<Box<str>>| name.as_ref().map(|name| numbers.of_name(name));
        let names = |names: &[Box<str>]| names.iter().map(|name| numbers.of_name(name)).collect();
        let word = |word: &Option<Box<str>>| word.as_ref().map(|word| numbers.of_word(word));
        Self {
            key: name(&record.key),
            alias: name(&record.alias),
            of: name(&record.of),
            parents: names(&record.parents),
            children: names(&record.children),
            user: word(&record.user),
            sender: word(&record.sender),
        }
    }

    /// The record's bytes, but for its moment and number.
    pub fn write(&self, record: &TelemetryRecord) -> Vec<u8> {
        let mut out = vec![type_number(record.record_type)];
        let members = [
            (self.key.is_some(), has::KEY),
            (self.user.is_some(), has::USER),
            (!record.attrs.is_empty(), has::ATTRS),
            (!self.parents.is_empty(), has::RELATIVES),
            (self.sender.is_some(), has::SENDER),
            (record.reason.is_some(), has::REASON),
            (record.kind.is_some(), has::KIND),
            (self.alias.is_some(), has::ALIAS),
            (self.of.is_some(), has::OF),
            (!record.extra.is_empty(), has::EXTRA),
        ];
        put_number(&mut out, members.into_iter().filter(|(is, _)| *is).map(|(_, bit)| bit).sum());
        for number in [self.key, self.user, self.sender, self.alias, self.of].into_iter().flatten() {
            put_number(&mut out, number.into());
        }
        if !self.parents.is_empty() {
            write_numbers(&mut out, &self.parents);
            write_numbers(&mut out, &self.children);
        }
        if let Some(kind) = record.kind {
            out.push(kind_number(kind));
        }
        if let Some(reason) = &record.reason {
            put_text(&mut out, reason);
        }
        for members in [&record.attrs, &record.extra].into_iter().filter(|members| !members.is_empty()) {
            write_members(&mut out, members);
        }
        out
    }

    /// Whether the record names one of these.
    pub fn names(&self, numbers: &[u32]) -> bool {
        let single = [self.key, self.alias, self.of].into_iter().flatten();
        let mut all = single.chain(self.parents.iter().copied()).chain(self.children.iter().copied());
        all.any(|number| numbers.contains(&number))
    }
}

/// A record's body, of which the names are still numbers.
pub struct Opened {
    /// What it tells.
    pub record_type: RecordType,
    /// What it names.
    pub body: Body,
    told: TelemetryRecord,
}

impl Opened {
    /// Opens an item of this trace.
    pub fn of(item: &RecordItem, trace: &str) -> Result<Self, Damaged> {
        let mut input = Input(&item.body);
        let record_type = type_of(input.byte()?)?;
        let bits = input.number()?;
        let mut number = |bit: u64| (bits & bit != 0).then(|| input.small()).transpose();
        let (key, user, sender) = (number(has::KEY)?, number(has::USER)?, number(has::SENDER)?);
        let (alias, of) = (number(has::ALIAS)?, number(has::OF)?);
        let mut body = Body { key, user, sender, alias, of, ..Body::default() };
        if bits & has::RELATIVES != 0 {
            body.parents = read_numbers(&mut input)?;
            body.children = read_numbers(&mut input)?;
        }
        let mut told = TelemetryRecord::new(record_type, trace, Timestamp::from_micros(item.at));
        told.seq = Some(item.seq).filter(|seq| *seq > 0);
        told.kind = (bits & has::KIND != 0).then(|| kind_of(input.byte()?)).transpose()?;
        told.reason = (bits & has::REASON != 0).then(|| input.text().map(Box::from)).transpose()?;
        if bits & has::ATTRS != 0 {
            told.attrs = read_members(&mut input)?;
        }
        if bits & has::EXTRA != 0 {
            told.extra = read_members(&mut input)?;
        }
        Ok(Self { record_type, body, told })
    }

    /// The record itself.
    pub fn record<T: Texts>(self, texts: &mut T) -> Result<TelemetryRecord, T::Error> {
        let Self { body, told, .. } = self;
        let mut one = |number: Option<u32>| number.map(|number| texts.text(number)).transpose();
        let (key, user, sender) = (one(body.key)?, one(body.user)?, one(body.sender)?);
        let (alias, of) = (one(body.alias)?, one(body.of)?);
        let mut sorted = |numbers: Vec<u32>| {
            let names = numbers.into_iter().map(|number| texts.text(number));
            let mut names = names.collect::<Result<Vec<_>, _>>()?;
            names.sort_unstable();
            Ok::<_, T::Error>(names)
        };
        let (parents, children) = (sorted(body.parents)?, sorted(body.children)?);
        Ok(TelemetryRecord { key, user, sender, alias, of, parents, children, ..told })
    }
}

/// Sorted, so that the same names are the same bytes, and near ones are short.
fn write_numbers(out: &mut Vec<u8>, numbers: &[u32]) {
    let mut numbers = numbers.to_vec();
    numbers.sort_unstable();
    put_number(out, numbers.len() as u64);
    let mut before = 0;
    for number in numbers {
        put_number(out, u64::from(number - before));
        before = number;
    }
}

fn read_numbers(input: &mut Input<'_>) -> Result<Vec<u32>, Damaged> {
    let count = input.number()?;
    let mut before = 0_u32;
    let next = |_| {
        before = before.checked_add(input.small()?).ok_or(Damaged)?;
        Ok(before)
    };
    (0..count).map(next).collect()
}

fn write_members(out: &mut Vec<u8>, members: &Members) {
    put_number(out, members.len() as u64);
    for (name, value) in members {
        attr_name::put(out, name);
        put_text(out, value.as_str());
    }
}

fn read_members(input: &mut Input<'_>) -> Result<Members, Damaged> {
    let count = input.number()?;
    let member = |_| Ok((attr_name::read(input)?.into(), Json::from_stored(input.text()?)));
    (0..count).map(member).collect()
}

/// On disk; never another.
fn type_number(record_type: RecordType) -> u8 {
    match record_type {
        RecordType::TraceStart => 0,
        RecordType::TraceEnd => 1,
        RecordType::FileReceive => 2,
        RecordType::FileStore => 3,
        RecordType::FileRead => 4,
        RecordType::FileDelete => 5,
        RecordType::FileExpire => 6,
        RecordType::FileSend => 7,
        RecordType::Derive => 8,
        RecordType::DbWrite => 9,
        RecordType::Drop => 10,
        RecordType::Log => 11,
        RecordType::Alias => 12,
        RecordType::Attr => 13,
        RecordType::Replay => 14,
    }
}

fn type_of(number: u8) -> Result<RecordType, Damaged> {
    let found = RecordType::ALL.into_iter().find(|(record_type, _)| type_number(*record_type) == number);
    found.map(|(record_type, _)| record_type).ok_or(Damaged)
}
