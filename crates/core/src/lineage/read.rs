//! The door: a record is read and checked here, and nowhere else.
//!
//! **Constraint.** What passes can be merged whatever else comes; nothing of it is looked up. What does not pass is told
//! with the member that is wrong and what would be right.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::json::Json;
use super::limits::{
    ATTRS_MAX_BYTES, EDGES_MAX, KEY_MAX_BYTES, REASON_MAX_BYTES, RECORD_MAX_BYTES, RELATIVES_MAX, SEQ_MAX,
    USER_MAX_BYTES,
};
use super::record::{Members, NodeKind, RecordType, TelemetryRecord};
use crate::formats::Fault;
use crate::formats::json::check_text;
use crate::formats::pick;
use crate::intake::{moment_of, word_of};

impl TelemetryRecord {
    /// Reads one JSON object. Members that are null count as absent; those that Weir does not know are kept.
    pub fn read(text: &str) -> Result<Self, Fault> {
        if text.len() > RECORD_MAX_BYTES {
            let detail = format!("a record may have {RECORD_MAX_BYTES} bytes; this one has {}", text.len());
            return Err(Fault::new("too_long", detail));
        }
        check_text(text)?;
        let mut members = Found::read(text)?;
        let record = members.record()?;
        record.check()?;
        Ok(record)
    }

    /// What a type needs beyond the members' own rules.
    fn check(&self) -> Result<(), Fault> {
        match self.record_type {
            RecordType::TraceStart | RecordType::TraceEnd => Ok(()),
            RecordType::Log => self.needs_text("message"),
            RecordType::FileSend => self.needs_key().and_then(|()| self.needs_text("to")),
            RecordType::DbWrite => self.needs_key().and_then(|()| self.needs_text("database")),
            RecordType::Attr if self.attrs.is_empty() => Err(missing("ATTR", "attrs, an object")),
            RecordType::Alias => self.needs_other("alias", self.alias.as_deref()),
            RecordType::Replay => self.needs_other("of", self.of.as_deref()),
            RecordType::Derive => self.check_relatives(),
            _ => self.needs_key(),
        }
    }

    fn needs_key(&self) -> Result<(), Fault> {
        let key = self.key.as_ref().map(drop);
        key.ok_or_else(|| missing(self.record_type.as_str(), "key"))
    }

    fn needs_text(&self, name: &str) -> Result<(), Fault> {
        match self.attr_text(name) {
            Some(text) if !text.is_empty() => Ok(()),
            _ => Err(missing(self.record_type.as_str(), &format!("attrs.{name}, a text"))),
        }
    }

    fn needs_other(&self, member: &str, other: Option<&str>) -> Result<(), Fault> {
        self.needs_key()?;
        match other {
            None => Err(missing(self.record_type.as_str(), member)),
            Some(other) if Some(other) == self.key.as_deref() => Err(onto_itself(other)),
            Some(_) => Ok(()),
        }
    }

    fn check_relatives(&self) -> Result<(), Fault> {
        for (name, list) in [("parents", &self.parents), ("children", &self.children)] {
            if list.is_empty() {
                return Err(missing("DERIVE", &format!("{name}, a list of at least one key")));
            }
        }
        if let Some(both) = self.parents.iter().find(|parent| self.children.binary_search(parent).is_ok()) {
            return Err(onto_itself(both));
        }
        match self.parents.len() * self.children.len() {
            0..=EDGES_MAX => Ok(()),
            edges => Err(Fault::new(
                "too_many",
                format!(
                    "{edges} pairs of parent and child in one record; send at most {EDGES_MAX} at a time"
                ),
            )),
        }
    }
}

fn missing(record_type: &str, what: &str) -> Fault {
    Fault::new("missing_member", format!("{record_type} needs {what}"))
}

fn onto_itself(key: &str) -> Fault {
    let key: String = key.chars().take(80).collect();
    Fault::new("onto_itself", format!("{key:?} leads to itself; name two different keys"))
}

/// The members of one object that were not asked for yet.
struct Found<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Found<'a> {
    fn read(text: &'a str) -> Result<Self, Fault> {
        let mut json = serde_json::Deserializer::from_str(text);
        let read = AllMembers.deserialize(&mut json).and_then(|found| json.end().map(|()| found));
        let found = read.map_err(|error| pick::fault(text, &error))?;
        let mut names: Vec<&str> = found.0.iter().map(|(name, _)| &**name).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(twice) => {
                Err(Fault::new("duplicate_member", format!("member \"{}\" occurs twice", twice[0])))
            }
            None => Ok(found),
        }
    }

    /// Names that mean nothing to a type are members like any others that Weir does not know.
    fn record(&mut self) -> Result<TelemetryRecord, Fault> {
        let record_type = self.record_type()?;
        let trace = self.name("trace")?.ok_or_else(|| missing("a record", "trace"))?;
        let created_at = self.take("createdAt").ok_or_else(|| missing("a record", "createdAt"))?;
        let created_at = moment_of("createdAt", created_at)?;
        let is = |wanted: RecordType| record_type == wanted;
        let has_key =
            !matches!(record_type, RecordType::TraceStart | RecordType::TraceEnd | RecordType::Derive);
        Ok(TelemetryRecord {
            seq: self.seq()?,
            key: if has_key { self.name("key")? } else { None },
            user: self.text("user", USER_MAX_BYTES)?,
            sender: self.text("sender", USER_MAX_BYTES)?,
            kind: self.kind()?,
            parents: if is(RecordType::Derive) { self.names("parents")? } else { Vec::new() },
            children: if is(RecordType::Derive) { self.names("children")? } else { Vec::new() },
            reason: self.reason()?,
            alias: if is(RecordType::Alias) { self.name("alias")? } else { None },
            of: if is(RecordType::Replay) { self.name("of")? } else { None },
            attrs: self.attrs()?,
            extra: self.rest()?,
            ..TelemetryRecord::new(record_type, &trace, created_at)
        })
    }

    /// The value of this name, unless it is null.
    fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        let place = self.0.iter().position(|(known, _)| known == name)?;
        let (_, value) = self.0.swap_remove(place);
        (value.get() != "null").then_some(value)
    }

    fn record_type(&mut self) -> Result<RecordType, Fault> {
        let value = self.take("type").ok_or_else(|| missing("a record", "type"))?;
        let name = string("type", value)?;
        RecordType::parse(&name).ok_or_else(|| {
            let known: Vec<&str> = RecordType::ALL.iter().map(|(_, name)| *name).collect();
            Fault::new("unknown_type", format!("type must be one of {}", known.join(", ")))
        })
    }

    fn kind(&mut self) -> Result<Option<NodeKind>, Fault> {
        let Some(value) = self.take("kind") else { return Ok(None) };
        let kind = NodeKind::parse(&string("kind", value)?);
        kind.map(Some).ok_or_else(|| Fault::new("unknown_kind", "kind must be file, data, db or process"))
    }

    fn seq(&mut self) -> Result<Option<u64>, Fault> {
        let Some(value) = self.take("seq") else { return Ok(None) };
        match value.get().parse() {
            Ok(seq @ 1..=SEQ_MAX) => Ok(Some(seq)),
            _ => Err(Fault::new("invalid_seq", format!("seq must be a whole number from 1 to {SEQ_MAX}"))),
        }
    }

    fn reason(&mut self) -> Result<Option<Box<str>>, Fault> {
        let Some(value) = self.take("reason") else { return Ok(None) };
        let reason = string("reason", value)?;
        within("reason", reason.len(), REASON_MAX_BYTES)?;
        Ok((!reason.is_empty()).then(|| reason.into()))
    }

    /// A name: a text or an integer, not empty, without control characters.
    fn name(&mut self, member: &str) -> Result<Option<Box<str>>, Fault> {
        self.text(member, KEY_MAX_BYTES)
    }

    fn text(&mut self, member: &str, max_bytes: usize) -> Result<Option<Box<str>>, Fault> {
        self.take(member).map(|value| name(member, value, max_bytes)).transpose()
    }

    fn names(&mut self, member: &str) -> Result<Vec<Box<str>>, Fault> {
        let Some(value) = self.take(member) else { return Ok(Vec::new()) };
        let list: Vec<&RawValue> = serde_json::from_str(value.get())
            .map_err(|_| Fault::new("wrong_type", format!("{member} must be a list of keys")))?;
        if list.len() > RELATIVES_MAX {
            let detail = format!("{member} has {} keys; send at most {RELATIVES_MAX} at a time", list.len());
            return Err(Fault::new("too_many", detail));
        }
        let names = list.into_iter().map(|value| name(member, value, KEY_MAX_BYTES));
        let mut names = names.collect::<Result<Vec<_>, _>>()?;
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    fn attrs(&mut self) -> Result<Members, Fault> {
        let Some(value) = self.take("attrs") else { return Ok(Members::new()) };
        within("attrs", value.get().len(), ATTRS_MAX_BYTES)?;
        let members: BTreeMap<String, &RawValue> = serde_json::from_str(value.get())
            .map_err(|_| Fault::new("wrong_type", "attrs must be an object"))?;
        Ok(members.into_iter().map(|(name, value)| (name.into(), Json::of(value))).collect())
    }

    fn rest(&mut self) -> Result<Members, Fault> {
        let size = self.0.iter().map(|(name, value)| name.len() + value.get().len()).sum();
        within("what Weir does not know of a record", size, ATTRS_MAX_BYTES)?;
        let rest = self.0.drain(..).filter(|(_, value)| value.get() != "null");
        Ok(rest.map(|(name, value)| (name.as_ref().into(), Json::of(value))).collect())
    }
}

fn string(member: &str, value: &RawValue) -> Result<String, Fault> {
    serde_json::from_str(value.get())
        .map_err(|_| Fault::new("wrong_type", format!("{member} must be a string")))
}

fn name(member: &str, value: &RawValue, max_bytes: usize) -> Result<Box<str>, Fault> {
    let name = word_of(member, value)?;
    if name.is_empty() {
        return Err(Fault::new("empty_member", format!("{member} must not be empty")));
    }
    within(member, name.len(), max_bytes)?;
    match name.contains(char::is_control) {
        true => Err(Fault::new("control_character", format!("{member} must have no control characters"))),
        false => Ok(name),
    }
}

fn within(member: &str, bytes: usize, max_bytes: usize) -> Result<(), Fault> {
    match bytes > max_bytes {
        true => {
            Err(Fault::new("too_long", format!("{member} has {bytes} bytes; at most {max_bytes} are taken")))
        }
        false => Ok(()),
    }
}

/// Reads an object's members, as they stand.
struct AllMembers;

impl<'a> DeserializeSeed<'a> for AllMembers {
    type Value = Found<'a>;

    fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for AllMembers {
    type Value = Found<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut members: M) -> Result<Self::Value, M::Error> {
        let mut found: Vec<(Cow<'a, str>, &'a RawValue)> = Vec::with_capacity(8);
        while let Some(Name(name)) = members.next_key()? {
            found.push((name, members.next_value()?));
        }
        Ok(Found(found))
    }
}

/// A member's name, borrowed wherever it holds no escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);
