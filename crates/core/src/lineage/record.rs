//! One record of telemetry: what a sender says became of a file or a datum.
//!
//! **Constraint.** Two records are one when every member is equal; the order in which members stand, names in a list,
//! and members within `attrs`, does not count. Records are ordered by their moments first.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::json::Json;
use crate::time::Timestamp;

/// Named JSON values.
pub type Members = BTreeMap<Box<str>, Json>;

/// What kind of thing a node stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeKind {
    /// A file.
    File,
    /// A datum.
    Data,
    /// A database, or a table of one.
    Db,
    /// Somebody who receives files.
    Process,
}

impl NodeKind {
    /// All of them, and how each is written.
    pub const ALL: [(Self, &'static str); 4] =
        [(Self::File, "file"), (Self::Data, "data"), (Self::Db, "db"), (Self::Process, "process")];

    /// Reads its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known)| *known == name).map(|(kind, _)| kind)
    }

    /// What the part of a key before its first colon tells.
    pub fn of_prefix(key: &str) -> Option<Self> {
        key.split_once(':').and_then(|(prefix, _)| Self::parse(prefix))
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        Self::ALL.into_iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }
}

/// What a record tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is called what its sender calls it")]
pub enum RecordType {
    TraceStart,
    TraceEnd,
    FileReceive,
    FileStore,
    FileRead,
    FileDelete,
    FileExpire,
    FileSend,
    Derive,
    DbWrite,
    Drop,
    Log,
    Alias,
    Attr,
    Replay,
}

impl RecordType {
    /// All of them, and how each is written.
    pub const ALL: [(Self, &'static str); 15] = [
        (Self::TraceStart, "TRACE_START"),
        (Self::TraceEnd, "TRACE_END"),
        (Self::FileReceive, "FILE_RECEIVE"),
        (Self::FileStore, "FILE_STORE"),
        (Self::FileRead, "FILE_READ"),
        (Self::FileDelete, "FILE_DELETE"),
        (Self::FileExpire, "FILE_EXPIRE"),
        (Self::FileSend, "FILE_SEND"),
        (Self::Derive, "DERIVE"),
        (Self::DbWrite, "DB_WRITE"),
        (Self::Drop, "DROP"),
        (Self::Log, "LOG"),
        (Self::Alias, "ALIAS"),
        (Self::Attr, "ATTR"),
        (Self::Replay, "REPLAY"),
    ];

    /// Reads its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known)| *known == name).map(|(kind, _)| kind)
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        Self::ALL.into_iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A record, read and checked ([`TelemetryRecord::read`]).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TelemetryRecord {
    /// When it happened, as its sender says.
    pub created_at: Timestamp,
    /// Its place among its sender's records of this trace, from 1.
    pub seq: Option<u64>,
    /// What it tells.
    pub record_type: RecordType,
    /// The trace it belongs to.
    pub trace: Box<str>,
    /// The file or datum that it is about.
    pub key: Option<Box<str>>,
    /// The user that it names.
    pub user: Option<Box<str>>,
    /// The subject of the credential that it came under, where it names no user.
    pub sender: Option<Box<str>>,
    /// The kind of thing that it says `key` is; of a `DERIVE`, its children.
    pub kind: Option<NodeKind>,
    /// What was made into something; sorted, each once.
    pub parents: Vec<Box<str>>,
    /// What was made; sorted, each once.
    pub children: Vec<Box<str>>,
    /// Why something was dropped.
    pub reason: Option<Box<str>>,
    /// Another name of `key`.
    pub alias: Option<Box<str>>,
    /// What `key` is a new attempt at.
    pub of: Option<Box<str>>,
    /// What else is told of it.
    pub attrs: Members,
    /// Members that Weir makes nothing of, and keeps.
    pub extra: Members,
}

impl TelemetryRecord {
    /// A record of this type that tells nothing yet.
    pub fn new(record_type: RecordType, trace: &str, created_at: Timestamp) -> Self {
        Self {
            created_at,
            seq: None,
            record_type,
            trace: trace.into(),
            key: None,
            user: None,
            sender: None,
            kind: None,
            parents: Vec::new(),
            children: Vec::new(),
            reason: None,
            alias: None,
            of: None,
            attrs: Members::new(),
            extra: Members::new(),
        }
    }

    /// The record as it came under a credential of this subject.
    pub fn sent_by(mut self, subject: &str) -> Self {
        if self.user.is_none() && self.sender.is_none() {
            self.sender = Some(subject.into());
        }
        self
    }

    /// Whose `seq` it is: the user it names, else the subject it came under.
    pub fn sender(&self) -> Option<&str> {
        self.user.as_deref().or(self.sender.as_deref())
    }

    /// The text that an attribute says, where it is one.
    pub fn attr_text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.attrs.get(name)?.as_text()
    }

    /// Every name of a node that stands in it, as often as it stands there.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let single = [&self.key, &self.alias, &self.of].into_iter().flatten();
        single.chain(&self.parents).chain(&self.children).map(|name| &**name)
    }

    /// The record as JSON, the same text for the same record.
    pub fn to_json(&self) -> String {
        // Text and numbers only; there is nothing in it that JSON cannot say.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Serialize for TelemetryRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", self.record_type.as_str())?;
        map.serialize_entry("trace", &self.trace)?;
        let texts = [("key", &self.key), ("user", &self.user), ("sender", &self.sender)];
        for (name, text) in texts.into_iter().filter_map(|(name, text)| Some((name, text.as_ref()?))) {
            map.serialize_entry(name, text)?;
        }
        map.serialize_entry("createdAt", &self.created_at.to_string())?;
        if let Some(seq) = self.seq {
            map.serialize_entry("seq", &seq)?;
        }
        if let Some(kind) = self.kind {
            map.serialize_entry("kind", kind.as_str())?;
        }
        let texts = [("reason", &self.reason), ("alias", &self.alias), ("of", &self.of)];
        for (name, text) in texts.into_iter().filter_map(|(name, text)| Some((name, text.as_ref()?))) {
            map.serialize_entry(name, text)?;
        }
        for (name, list) in [("parents", &self.parents), ("children", &self.children)] {
            if !list.is_empty() {
                map.serialize_entry(name, list)?;
            }
        }
        if !self.attrs.is_empty() {
            map.serialize_entry("attrs", &self.attrs)?;
        }
        for (name, value) in &self.extra {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
