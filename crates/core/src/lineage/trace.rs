//! What records make of a trace: facts by name, edges, names that mean one thing, and numbers seen.
//!
//! **Constraint.** [`TraceLineage::apply`] only joins. Any permutation, repetition and division of the same records
//! gives the same value; a record never asks whether another has come.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{Deed, EdgeFacts, EdgeKind, NodeFacts, TraceFacts, UserWord};
use super::json::Json;
use super::merge::{Earliest, Join, Latest};
use super::ranges::Ranges;
use super::record::{NodeKind, RecordType, TelemetryRecord};

/// An edge by its names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EdgeName {
    /// Where it begins.
    pub from: Box<str>,
    /// Where it leads.
    pub to: Box<str>,
    /// How.
    pub kind: EdgeKind,
}

/// All that records tell of a trace; or what some of them tell, to be joined with what others told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceLineage {
    /// Of the trace itself.
    pub facts: TraceFacts,
    /// By name.
    pub nodes: BTreeMap<Box<str>, NodeFacts>,
    /// By names.
    pub edges: BTreeMap<EdgeName, EdgeFacts>,
    /// Names that mean one node: a key, and another name of it.
    pub aliases: BTreeSet<(Box<str>, Box<str>)>,
    /// Numbers seen, by sender.
    pub sequences: BTreeMap<Box<str>, Ranges>,
}

impl Join for TraceLineage {
    fn join(&mut self, other: Self) {
        self.facts.join(other.facts);
        self.nodes.join(other.nodes);
        self.edges.join(other.edges);
        self.aliases.extend(other.aliases);
        self.sequences.join(other.sequences);
    }
}

impl TraceLineage {
    /// Takes in one record.
    pub fn apply(&mut self, record: &TelemetryRecord) {
        self.facts.join(trace_facts(record));
        if let (Some(sender), Some(seq)) = (record.sender(), record.seq) {
            self.sequences.entry(sender.into()).or_default().add(seq);
        }
        match record.record_type {
            RecordType::TraceStart | RecordType::TraceEnd => {}
            RecordType::Derive => self.derive(record),
            _ => self.about_key(record),
        }
    }

    fn about_key(&mut self, record: &TelemetryRecord) {
        let Some(key) = &record.key else { return };
        match record.record_type {
            RecordType::FileSend => self.send(record, key),
            RecordType::DbWrite => self.write(record, key),
            RecordType::Alias => self.alias(record, key),
            RecordType::Replay => self.replay(record, key),
            _ => {
                let facts = facts_of_key(record);
                self.node(key).join(facts);
            }
        }
    }

    fn derive(&mut self, record: &TelemetryRecord) {
        let at = record.created_at;
        for parent in &record.parents {
            self.node(parent).deeds.add(Deed::Became, at);
        }
        for child in &record.children {
            let mut facts = NodeFacts { is_known: true, ..told(record) };
            facts.deeds.add(Deed::Made, at);
            facts.user = told_user(record);
            self.node(child).join(facts);
        }
        for parent in &record.parents {
            for child in &record.children {
                self.edge(parent, child, EdgeKind::Derive, record);
            }
        }
    }

    fn send(&mut self, record: &TelemetryRecord, key: &str) {
        let mut facts = facts_of_key(record);
        facts.attrs.remove("to");
        self.node(key).join(facts);
        if let Some(to) = record.attr_text("to") {
            let to = process_key(&to);
            self.node(&to).is_known = true;
            self.edge(key, &to, EdgeKind::Send, record);
        }
    }

    fn write(&mut self, record: &TelemetryRecord, key: &str) {
        self.node(key).join(NodeFacts { attrs: BTreeMap::new(), ..facts_of_key(record) });
        if let Some(database) = record.attr_text("database") {
            let table = record.attr_text("table");
            let to = database_key(&database, table.as_deref());
            let mut attrs = attrs_of(record);
            attrs.retain(|name, _| matches!(&**name, "database" | "table"));
            self.node(&to).join(NodeFacts { attrs, is_known: true, ..NodeFacts::default() });
            self.edge(key, &to, EdgeKind::Write, record);
        }
    }

    fn alias(&mut self, record: &TelemetryRecord, key: &str) {
        let Some(alias) = &record.alias else { return };
        self.node(key).join(told(record));
        self.node(alias).is_alias = true;
        self.aliases.insert((key.into(), alias.clone()));
    }

    fn replay(&mut self, record: &TelemetryRecord, key: &str) {
        self.node(key).join(NodeFacts { is_known: true, ..told(record) });
        if let Some(of) = &record.of {
            self.node(of);
            self.edge(of, key, EdgeKind::Replay, record);
        }
    }

    fn node(&mut self, name: &str) -> &mut NodeFacts {
        self.nodes.entry(name.into()).or_default()
    }

    fn edge(&mut self, from: &str, to: &str, kind: EdgeKind, record: &TelemetryRecord) {
        let operation = record.attr_text("operation").filter(|operation| !operation.is_empty());
        let operation = operation.map(|operation| (record.created_at, operation.as_ref().into()));
        let name = EdgeName { from: from.into(), to: to.into(), kind };
        self.edges.entry(name).or_default().join(EdgeFacts { operation: Latest(operation) });
    }
}

fn trace_facts(record: &TelemetryRecord) -> TraceFacts {
    let at = record.created_at;
    let is = |record_type| (record.record_type == record_type).then_some(at);
    let started_at = is(RecordType::TraceStart);
    let word = match (&record.user, started_at) {
        (Some(_), Some(_)) => UserWord::Start,
        (Some(_), None) => UserWord::Record,
        (None, Some(_)) => UserWord::StartSubject,
        (None, None) => UserWord::Subject,
    };
    TraceFacts {
        user: record.sender().map(|user| (word, at, user.into())),
        started_at,
        ended_at: is(RecordType::TraceEnd),
        first_at: Some(at),
        last_at: Some(at),
    }
}

/// What a record tells of its `key`, whatever its type.
fn told(record: &TelemetryRecord) -> NodeFacts {
    let kind = Latest(record.kind.map(|kind| (record.created_at, kind)));
    NodeFacts { kind, ..NodeFacts::default() }
}

fn facts_of_key(record: &TelemetryRecord) -> NodeFacts {
    let at = record.created_at;
    let mut facts = NodeFacts { is_known: true, ..told(record) };
    let deed = match record.record_type {
        RecordType::FileReceive => Some(Deed::Received),
        RecordType::FileStore => Some(Deed::Stored),
        RecordType::FileRead => Some(Deed::Read),
        RecordType::FileDelete => Some(Deed::Deleted),
        RecordType::FileExpire => Some(Deed::Expired),
        RecordType::FileSend => Some(Deed::Sent),
        RecordType::DbWrite => Some(Deed::Written),
        _ => None,
    };
    if let Some(deed) = deed {
        facts.deeds.add(deed, at);
    }
    match record.record_type {
        RecordType::Log => {}
        RecordType::Drop => {
            facts.dropped = Latest::at(at, record.reason.clone().unwrap_or_default());
        }
        _ => facts.attrs = attrs_of(record),
    }
    if matches!(record.record_type, RecordType::FileReceive | RecordType::FileStore) {
        facts.user = told_user(record);
    }
    facts
}

fn told_user(record: &TelemetryRecord) -> Earliest<Box<str>> {
    Earliest(record.user.clone().map(|user| (record.created_at, user)))
}

fn attrs_of(record: &TelemetryRecord) -> BTreeMap<Box<str>, Latest<Json>> {
    let at = record.created_at;
    record.attrs.iter().map(|(name, value)| (name.clone(), Latest::at(at, value.clone()))).collect()
}

/// The key of whoever receives files under this name.
pub fn process_key(name: &str) -> String {
    match NodeKind::of_prefix(name) {
        Some(NodeKind::Process) => name.to_owned(),
        _ => format!("process:{name}"),
    }
}

/// The key of a database, or of one of its tables.
pub fn database_key(database: &str, table: Option<&str>) -> String {
    match table.filter(|table| !table.is_empty()) {
        Some(table) => format!("db:{database}.{table}"),
        None => format!("db:{database}"),
    }
}
