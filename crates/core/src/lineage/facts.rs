//! What is known of one name, one edge and one trace, as values that join.

use std::collections::BTreeMap;

use super::json::Json;
use super::merge::{Earliest, Join, Latest, earlier};
use super::record::NodeKind;
use crate::time::Timestamp;

/// What can happen to a node. Of each the first time is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Deed {
    /// `FILE_RECEIVE`.
    Received,
    /// `FILE_STORE`.
    Stored,
    /// `FILE_READ`.
    Read,
    /// `FILE_DELETE`.
    Deleted,
    /// `FILE_EXPIRE`.
    Expired,
    /// `FILE_SEND`.
    Sent,
    /// It is a parent in a `DERIVE`.
    Became,
    /// It is a child in a `DERIVE`.
    Made,
    /// `DB_WRITE`.
    Written,
}

impl Deed {
    /// All of them, and how each is written.
    pub const ALL: [(Self, &'static str); 9] = [
        (Self::Received, "received"),
        (Self::Stored, "stored"),
        (Self::Read, "read"),
        (Self::Deleted, "deleted"),
        (Self::Expired, "expired"),
        (Self::Sent, "sent"),
        (Self::Became, "became"),
        (Self::Made, "made"),
        (Self::Written, "written"),
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        Self::ALL.into_iter().find(|(deed, _)| *deed == self).map_or("", |(_, name)| name)
    }

    fn place(self) -> usize {
        self as usize
    }
}

/// When each [`Deed`] first happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deeds([Option<Timestamp>; Deed::ALL.len()]);

impl Deeds {
    /// When it first happened, if it did.
    pub fn first(&self, deed: Deed) -> Option<Timestamp> {
        self.0[deed.place()]
    }

    /// Whether it happened.
    pub fn has(&self, deed: Deed) -> bool {
        self.first(deed).is_some()
    }

    /// It happened then.
    pub fn add(&mut self, deed: Deed, at: Timestamp) {
        let first = &mut self.0[deed.place()];
        *first = earlier(*first, Some(at));
    }

    /// Whether something happened that happens to files alone.
    pub fn are_of_a_file(&self) -> bool {
        [Deed::Received, Deed::Stored, Deed::Read, Deed::Deleted, Deed::Expired, Deed::Sent]
            .into_iter()
            .any(|deed| self.has(deed))
    }

    /// Those that happened, with their moments.
    pub fn all(&self) -> impl Iterator<Item = (Deed, Timestamp)> {
        Deed::ALL.into_iter().filter_map(|(deed, _)| Some((deed, self.first(deed)?)))
    }
}

/// What is known under one name. Of a node with several names, their facts are joined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeFacts {
    /// What happened to it.
    pub deeds: Deeds,
    /// Why it was dropped; the empty text where no reason was given.
    pub dropped: Latest<Box<str>>,
    /// The kind that a record told.
    pub kind: Latest<NodeKind>,
    /// Whether more is known than that something names it as a parent, or as another's name.
    pub is_known: bool,
    /// Whether it is only another name for a key.
    pub is_alias: bool,
    /// The user that a record about it named.
    pub user: Earliest<Box<str>>,
    /// What else was told, each member by itself.
    pub attrs: BTreeMap<Box<str>, Latest<Json>>,
}

impl Join for NodeFacts {
    fn join(&mut self, other: Self) {
        for (deed, at) in other.deeds.all() {
            self.deeds.add(deed, at);
        }
        self.dropped.join(other.dropped);
        self.kind.join(other.kind);
        self.is_known |= other.is_known;
        self.is_alias |= other.is_alias;
        self.user.join(other.user);
        self.attrs.join(other.attrs);
    }
}

/// How one node leads to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EdgeKind {
    /// `DERIVE`.
    Derive,
    /// `DB_WRITE`.
    Write,
    /// `FILE_SEND`.
    Send,
    /// `REPLAY`: a new attempt.
    Replay,
}

impl EdgeKind {
    /// All of them, and how each is written.
    pub const ALL: [(Self, &'static str); 4] =
        [(Self::Derive, "derive"), (Self::Write, "write"), (Self::Send, "send"), (Self::Replay, "replay")];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        Self::ALL.into_iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }
}

/// What is known of an edge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EdgeFacts {
    /// By which operation.
    pub operation: Latest<Box<str>>,
}

impl Join for EdgeFacts {
    fn join(&mut self, other: Self) {
        self.operation.join(other.operation);
    }
}

/// How much a word about a trace's user weighs; the least goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UserWord {
    /// A `TRACE_START` names it.
    Start,
    /// Another record names it.
    Record,
    /// It is the subject of the credential that a `TRACE_START` came under.
    StartSubject,
    /// It is the subject of the credential that another record came under.
    Subject,
}

impl UserWord {
    /// All of them, the weightiest first.
    pub const ALL: [Self; 4] = [Self::Start, Self::Record, Self::StartSubject, Self::Subject];
}

/// What is known of a trace beside its nodes and edges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceFacts {
    /// Whose it is: by the weightiest word, the earliest of its kind, the lesser of two at once.
    pub user: Option<(UserWord, Timestamp, Box<str>)>,
    /// The earliest `TRACE_START`.
    pub started_at: Option<Timestamp>,
    /// The latest `TRACE_END`.
    pub ended_at: Option<Timestamp>,
    /// The earliest record.
    pub first_at: Option<Timestamp>,
    /// The latest record.
    pub last_at: Option<Timestamp>,
}

impl TraceFacts {
    /// Whether an end was told, and no record has a later moment.
    pub fn is_ended(&self) -> bool {
        self.ended_at.is_some() && self.ended_at >= self.last_at
    }
}

impl Join for TraceFacts {
    fn join(&mut self, other: Self) {
        if let Some(word) = other.user
            && self.user.as_ref().is_none_or(|known| word < *known)
        {
            self.user = Some(word);
        }
        self.started_at = earlier(self.started_at, other.started_at);
        self.first_at = earlier(self.first_at, other.first_at);
        // None is earlier than any moment.
        self.ended_at = self.ended_at.max(other.ended_at);
        self.last_at = self.last_at.max(other.last_at);
    }
}
