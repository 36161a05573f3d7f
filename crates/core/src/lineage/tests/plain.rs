//! The answers worked out in the plainest way: for each question, all records are looked at again.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::super::*;
use crate::testkit::lineage::{Shape, random_records};
use crate::testkit::world::SeededRandom;
use crate::time::Timestamp;

/// Different records of one trace.
struct Plain(Vec<TelemetryRecord>);

type Told<'a> = Option<(Timestamp, &'a str)>;

impl Plain {
    fn of(records: &[TelemetryRecord], trace: &str) -> Self {
        let mut seen = BTreeSet::new();
        let of_trace = records.iter().filter(|record| &*record.trace == trace);
        Self(of_trace.filter(|record| seen.insert(record.to_json())).cloned().collect())
    }

    fn every(&self, record_type: RecordType) -> impl Iterator<Item = &TelemetryRecord> {
        self.0.iter().filter(move |record| record.record_type == record_type)
    }

    fn edges(&self) -> Vec<(String, String, &'static str, Told<'_>)> {
        let mut edges = Vec::new();
        for record in &self.0 {
            let operation = record.attrs.get("operation").map(|json| json.as_str().trim_matches('"'));
            let operation = operation.map(|operation| (record.created_at, operation));
            let key = record.key.clone().unwrap_or_default().to_string();
            let text = |name: &str| record.attrs[name].as_str().trim_matches('"').to_owned();
            match record.record_type {
                RecordType::Derive => {
                    for parent in &record.parents {
                        for child in &record.children {
                            edges.push((parent.to_string(), child.to_string(), "derive", operation));
                        }
                    }
                }
                RecordType::FileSend => {
                    edges.push((key, format!("process:{}", text("to")), "send", operation));
                }
                RecordType::DbWrite if record.attrs.contains_key("table") => {
                    let to = format!("db:{}.{}", text("database"), text("table"));
                    edges.push((key, to, "write", operation));
                }
                RecordType::DbWrite => {
                    edges.push((key, format!("db:{}", text("database")), "write", operation));
                }
                RecordType::Replay => {
                    edges.push((record.of.clone().unwrap().to_string(), key, "replay", operation));
                }
                _ => {}
            }
        }
        edges
    }

    fn names(&self) -> BTreeSet<String> {
        let mut names: BTreeSet<String> = self.0.iter().flat_map(|r| r.names().map(str::to_owned)).collect();
        for (from, to, ..) in self.edges() {
            names.extend([from, to]);
        }
        names
    }

    /// For each name, the least name that means the same.
    fn classes(&self) -> BTreeMap<String, String> {
        let mut class: BTreeMap<String, String> =
            self.names().into_iter().map(|name| (name.clone(), name)).collect();
        loop {
            let before = class.clone();
            for record in self.every(RecordType::Alias) {
                let pair = [record.key.as_deref().unwrap(), record.alias.as_deref().unwrap()];
                let least = pair.iter().map(|name| class[*name].clone()).min().unwrap();
                for name in pair {
                    class.insert(name.to_owned(), least.clone());
                }
            }
            // A class found later may be known by a greater name elsewhere.
            let names: Vec<String> = class.keys().cloned().collect();
            for name in names {
                let through = class[&class[&name]].clone();
                class.insert(name, through);
            }
            if class == before {
                return class;
            }
        }
    }

    /// Each node as a line of text, and each edge.
    fn picture(&self) -> (Vec<String>, BTreeSet<String>) {
        let classes = self.classes();
        let mut members: BTreeMap<&String, Vec<&str>> = BTreeMap::new();
        for (name, class) in &classes {
            members.entry(class).or_default().push(name);
        }
        let key: BTreeMap<&String, &str> =
            members.iter().map(|(class, names)| (*class, self.key(names))).collect();
        let mut nodes: Vec<String> = members.values().map(|names| self.node(names)).collect();
        nodes.sort();
        let mut latest: BTreeMap<_, Told<'_>> = BTreeMap::new();
        for (from, to, kind, operation) in self.edges() {
            let told = latest.entry((key[&classes[&from]], key[&classes[&to]], kind)).or_default();
            *told = operation.max(*told);
        }
        let edge = |((from, to, kind), told): ((&str, &str, &str), Told<'_>)| {
            format!("{from} {kind} {to} by {:?}", told.map(|(_, operation)| operation))
        };
        (nodes, latest.into_iter().map(edge).collect())
    }

    fn key<'a>(&self, names: &[&'a str]) -> &'a str {
        let is_alias =
            |name: &&&str| self.every(RecordType::Alias).any(|r| r.alias.as_deref() == Some(**name));
        names.iter().find(|name| !is_alias(name)).or(names.first()).unwrap()
    }

    /// The records whose `key` is one of the names.
    fn about<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = &'a TelemetryRecord> {
        self.0.iter().filter(|record| record.key.as_deref().is_some_and(|key| names.contains(&key)))
    }

    fn kind(&self, names: &[&str]) -> &'static str {
        for kind in ["file", "data", "db", "process"] {
            if names.iter().any(|name| name.starts_with(&format!("{kind}:"))) {
                return kind;
            }
        }
        let children = |record: &&TelemetryRecord| record.children.iter().any(|c| names.contains(&&**c));
        let told = self.about(names).chain(self.every(RecordType::Derive).filter(children));
        let told = told.filter_map(|record| Some((record.created_at, record.kind?))).max();
        let says_file = |record: &TelemetryRecord| record.record_type.as_str().starts_with("FILE_");
        match told {
            Some((_, kind)) => kind.as_str(),
            None if self.about(names).any(says_file) => "file",
            None => "data",
        }
    }

    fn is_child(&self, names: &[&str]) -> bool {
        self.every(RecordType::Derive).any(|r| r.children.iter().any(|child| names.contains(&&**child)))
    }

    fn is_parent(&self, names: &[&str]) -> bool {
        self.every(RecordType::Derive).any(|r| r.parents.iter().any(|parent| names.contains(&&**parent)))
    }

    fn is(&self, names: &[&str], record_type: RecordType) -> bool {
        self.about(names).any(|record| record.record_type == record_type)
    }

    fn state(&self, names: &[&str]) -> &'static str {
        let left = self.is(names, RecordType::DbWrite) || self.is(names, RecordType::FileSend);
        if self.is(names, RecordType::Drop) {
            "dropped"
        } else if self.is_parent(names) || left {
            "became"
        } else if self.is(names, RecordType::FileExpire) {
            "expired"
        } else if self.is(names, RecordType::FileStore) || self.kind(names) == "db" {
            "stored"
        } else {
            "open"
        }
    }

    fn node(&self, names: &[&str]) -> String {
        let drops = self.about(names).filter(|record| record.record_type == RecordType::Drop);
        let reason = drops.map(|r| (r.created_at, r.reason.as_deref().unwrap_or_default())).max();
        let reason = reason.map(|(_, reason)| reason).filter(|reason| !reason.is_empty());
        let is_target = self
            .edges()
            .iter()
            .any(|(_, to, kind, _)| ["write", "send"].contains(kind) && names.contains(&to.as_str()));
        let is_told = self.about(names).any(|record| record.record_type != RecordType::Alias);
        let placeholder = !is_target && !is_told && !self.is_child(names);
        let mut others = names.to_vec();
        others.sort_unstable();
        let (kind, state) = (self.kind(names), self.state(names));
        format!("{} {others:?} {kind} {state} {reason:?} {placeholder}", self.key(names))
    }

    /// The latest that a write to it told; else what one of its names says, the key first.
    fn database(&self, names: &[&str]) -> String {
        let writes = self.every(RecordType::DbWrite).filter_map(|record| {
            let text = |name: &str| record.attrs.get(name)?.as_text();
            let (database, table) = (text("database")?, text("table"));
            let to = database_key(&database, table.as_deref());
            names.contains(&to.as_str()).then(|| (record.created_at, database.into_owned()))
        });
        let key = self.key(names);
        let is_alias = |name: &&str| self.every(RecordType::Alias).any(|r| r.alias.as_deref() == Some(*name));
        let mut others = names.to_vec();
        others.sort_by_key(|name| (*name != key, is_alias(name), *name));
        let named = others.iter().find_map(|name| name.strip_prefix("db:")).unwrap_or(key);
        writes.max().map_or_else(|| named.split('.').next().unwrap().to_owned(), |(_, told)| told)
    }

    /// files, dropped, became data, never became data, data, outputs, databases.
    fn figures(&self) -> [usize; 7] {
        let classes = self.classes();
        let roots: BTreeSet<&String> = classes.values().collect();
        let names = |root: &String| -> Vec<&str> {
            classes.iter().filter(|(_, class)| *class == root).map(|(name, _)| name.as_str()).collect()
        };
        let nodes: Vec<Vec<&str>> = roots.into_iter().map(names).collect();
        let count = |is: &dyn Fn(&[&str]) -> bool| nodes.iter().filter(|names| is(names)).count();
        let is_file = |names: &[&str]| self.kind(names) == "file" && !self.is_child(names);
        let is_dropped = |names: &[&str]| self.is(names, RecordType::Drop);
        let databases: BTreeSet<String> =
            nodes.iter().filter(|names| self.kind(names) == "db").map(|names| self.database(names)).collect();
        [
            count(&is_file),
            count(&|names| is_file(names) && is_dropped(names)),
            count(&|names| is_file(names) && self.is_parent(names)),
            count(&|names| is_file(names) && !is_dropped(names) && !self.is_parent(names)),
            count(&|names| self.kind(names) == "data"),
            count(&|names| self.kind(names) == "file" && self.is_child(names)),
            databases.len(),
        ]
    }

    fn missing(&self) -> BTreeSet<(String, u64)> {
        let mut seen: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
        for record in &self.0 {
            if let (Some(sender), Some(seq)) = (record.sender(), record.seq) {
                seen.entry(sender.to_owned()).or_default().insert(seq);
            }
        }
        let missing = seen.into_iter().flat_map(|(sender, seen)| {
            let last = *seen.last().unwrap();
            (1..last).filter(move |seq| !seen.contains(seq)).map(move |seq| (sender.clone(), seq))
        });
        missing.collect()
    }
}

pub(super) fn lineage_of(records: &[TelemetryRecord], trace: &str) -> TraceLineage {
    let mut lineage = TraceLineage::default();
    records.iter().filter(|record| &*record.trace == trace).for_each(|record| lineage.apply(record));
    lineage
}

fn picture_of(graph: &Graph) -> (Vec<String>, BTreeSet<String>) {
    let node = |node: &Node| {
        let mut names: Vec<&str> = node.names.iter().map(|name| &**name).collect();
        names.sort_unstable();
        let (kind, state, reason) = (node.kind().as_str(), node.state().as_str(), node.reason());
        format!("{} {names:?} {kind} {state} {reason:?} {}", node.key(), node.is_placeholder())
    };
    let key = |place: usize| graph.nodes[place].key();
    let edge = |edge: &Edge| {
        let (from, to) = (key(edge.from), key(edge.to));
        format!("{from} {} {to} by {:?}", edge.kind.as_str(), edge.operation())
    };
    let mut nodes: Vec<String> = graph.nodes.iter().map(node).collect();
    nodes.sort();
    (nodes, graph.edges.iter().map(edge).collect())
}

fn compare(records: &[TelemetryRecord], trace: &str) {
    let plain = Plain::of(records, trace);
    let lineage = lineage_of(records, trace);
    let graph = Graph::of(&lineage);
    assert_eq!(picture_of(&graph), plain.picture());
    let Figures { files, dropped, became_data, never_became_data, data, outputs, nodes } = graph.figures();
    let figures = [files, dropped, became_data, never_became_data, data, outputs, graph.databases() as i64];
    assert_eq!(figures, plain.figures().map(|figure| figure as i64));
    assert_eq!(nodes, graph.nodes.len() as i64);
    let gaps = lineage.sequences.iter().flat_map(|(sender, seen)| {
        seen.gaps().flat_map(|(from, to)| from..=to).map(|seq| (sender.to_string(), seq))
    });
    assert_eq!(gaps.collect::<BTreeSet<_>>(), plain.missing());
    let moments = || plain.0.iter().map(|record| record.created_at);
    assert_eq!((lineage.facts.first_at, lineage.facts.last_at), (moments().min(), moments().max()));
    let of = |record_type| plain.every(record_type).map(|record| record.created_at);
    assert_eq!(lineage.facts.started_at, of(RecordType::TraceStart).min());
    assert_eq!(lineage.facts.ended_at, of(RecordType::TraceEnd).max());
    let last_end = of(RecordType::TraceEnd).max();
    assert_eq!(lineage.facts.is_ended(), last_end.is_some_and(|end| moments().all(|moment| moment <= end)));
}

#[test]
fn shapes_are_what_their_records_say() {
    for shape in [
        Shape::FanOut(1),
        Shape::FanOut(60),
        Shape::FanIn(60),
        Shape::Chain(80),
        Shape::Diamonds(20),
        Shape::Circle(2),
        Shape::Circle(30),
        Shape::Lives(1),
        Shape::Lives(25),
    ] {
        compare(&shape.records("t"), "t");
    }
}

#[test]
fn ten_thousand_nodes_are_what_their_records_say() {
    let records = Shape::Lives(2_700).records("t");
    let (plain, graph) = (Plain::of(&records, "t"), Graph::of(&lineage_of(&records, "t")));
    assert_eq!(graph.nodes.len(), 2_700 + 2_430 * 3 + 1);
    let Figures { files, dropped, became_data, never_became_data, data, outputs, .. } = graph.figures();
    assert_eq!([files, dropped, became_data, never_became_data], [2_700, 270, 2_430, 0]);
    assert_eq!([data, outputs, graph.databases() as i64], [4_860, 2_430, 1]);
    let (nodes, _) = picture_of(&graph);
    for node in graph.nodes.iter().step_by(97) {
        let line = plain.node(&[node.key()]);
        assert!(nodes.binary_search(&line).is_ok(), "{line}");
    }
}

proptest! {
    #[test]
    fn records_by_the_dice_make_what_they_say(seed: u64, count in 1_usize..60) {
        let records = random_records(&SeededRandom::new(seed), count);
        for trace in ["order-1", "order-2"] {
            if records.iter().any(|record| &*record.trace == trace) {
                compare(&records, trace);
            }
        }
    }
}
