//! A node: everything that goes by one key, or by several names that mean one thing.

use std::borrow::Cow;

use super::facts::{Deed, NodeFacts};
use super::merge::Join;
use super::record::NodeKind;

/// A node of a trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Its number, where a store has given it one.
    pub id: i64,
    /// Its names; the first is its key.
    pub names: Vec<Box<str>>,
    /// What is known of it.
    pub facts: NodeFacts,
}

/// What became of a node, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeState {
    /// Somebody dropped it.
    Dropped,
    /// Something was made of it, written from it, or it was sent.
    Became,
    /// It was kept until its time was over.
    Expired,
    /// It is kept.
    Stored,
    /// None of these yet.
    Open,
}

impl NodeState {
    /// All of them, and how each is written.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Dropped, "dropped"),
        (Self::Became, "became"),
        (Self::Expired, "expired"),
        (Self::Stored, "stored"),
        (Self::Open, "open"),
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        Self::ALL.into_iter().find(|(state, _)| *state == self).map_or("", |(_, name)| name)
    }
}

impl Node {
    /// The node that these names mean, each with what is known under it. Which one is its key does not hang on their
    /// order: the least of those that are not merely another name.
    pub fn of(id: i64, mut named: Vec<(Box<str>, NodeFacts)>) -> Self {
        named.sort_unstable_by(|(one, one_facts), (other, other_facts)| {
            (one_facts.is_alias, one).cmp(&(other_facts.is_alias, other))
        });
        let mut node = Self { id, names: Vec::with_capacity(named.len()), facts: NodeFacts::default() };
        for (name, facts) in named {
            node.names.push(name);
            node.facts.join(facts);
        }
        node
    }

    /// Its key.
    pub fn key(&self) -> &str {
        self.names.first().map_or("", |name| name)
    }

    /// Its other names.
    pub fn aliases(&self) -> &[Box<str>] {
        self.names.get(1..).unwrap_or_default()
    }

    /// A prefix goes first, then what a record told, then what a record's type implies; what nothing tells is data.
    pub fn kind(&self) -> NodeKind {
        let by_prefix = self.names.iter().filter_map(|name| NodeKind::of_prefix(name)).min();
        let implied = if self.facts.deeds.are_of_a_file() { NodeKind::File } else { NodeKind::Data };
        by_prefix.or(self.facts.kind.value().copied()).unwrap_or(implied)
    }

    /// The first that holds.
    pub fn state(&self) -> NodeState {
        let deeds = &self.facts.deeds;
        let became = [Deed::Became, Deed::Written, Deed::Sent].into_iter().any(|deed| deeds.has(deed));
        match () {
            () if self.facts.dropped.0.is_some() => NodeState::Dropped,
            () if became => NodeState::Became,
            () if deeds.has(Deed::Expired) => NodeState::Expired,
            () if deeds.has(Deed::Stored) || self.kind() == NodeKind::Db => NodeState::Stored,
            () => NodeState::Open,
        }
    }

    /// Why it was dropped, where a reason was given.
    pub fn reason(&self) -> Option<&str> {
        self.facts.dropped.value().map(|reason| &**reason).filter(|reason| !reason.is_empty())
    }

    /// Whether no more is known than that something names it.
    pub fn is_placeholder(&self) -> bool {
        !self.facts.is_known
    }

    /// The database that it is, or is a table of.
    pub fn database(&self) -> Option<Cow<'_, str>> {
        if self.kind() != NodeKind::Db {
            return None;
        }
        let told = self.facts.attrs.get("database").and_then(|value| value.value()?.as_text());
        told.or_else(|| {
            let named = self.names.iter().find_map(|name| name.strip_prefix("db:"));
            named.unwrap_or(self.key()).split('.').next().map(Cow::Borrowed)
        })
    }
}
