//! Lineage in memory: the records as they are, and what they make, worked out anew for every question.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::lineage::{
    Direction, Graph, GraphPart, InGraph, LineageError, LineageStore, Links, Missing, Node, PageLimits,
    RecordChoice, RecordPage, RecordPlace, RecordType, TelemetryRecord, Trace, TraceFilter, TraceLineage,
    TracePage, WalkLimits, WholeGraph, walk,
};
use crate::row_id;

/// Keeps lineage until it is dropped. Clones share it.
#[derive(Clone, Default)]
pub struct MemoryLineage(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    /// By key.
    traces: BTreeMap<Box<str>, Kept>,
    last_id: i64,
}

struct Kept {
    id: i64,
    records: BTreeSet<TelemetryRecord>,
    lineage: TraceLineage,
    /// The numbers of names.
    names: BTreeMap<Box<str>, i64>,
}

impl MemoryLineage {
    /// Nothing is known yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn with<T>(&self, ask: impl FnOnce(&mut Inner) -> T) -> T {
        ask(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Inner {
    fn next_id(&mut self) -> i64 {
        // As large as real ones, so that a name that looks like a small number is none.
        self.last_id = self.last_id.max(1 << 60) + 1;
        self.last_id
    }

    fn join(&mut self, record: TelemetryRecord) -> bool {
        if !self.traces.contains_key(&record.trace) {
            let (id, lineage) = (self.next_id(), TraceLineage::default());
            let kept = Kept { id, lineage, records: BTreeSet::new(), names: BTreeMap::new() };
            self.traces.insert(record.trace.clone(), kept);
        }
        let trace = record.trace.clone();
        let Some(kept) = self.traces.get_mut(&trace) else { return false };
        kept.lineage.apply(&record);
        let is_new = kept.records.insert(record);
        let new: Vec<Box<str>> =
            kept.lineage.nodes.keys().filter(|name| !kept.names.contains_key(*name)).cloned().collect();
        for name in new {
            let id = self.next_id();
            self.traces.get_mut(&trace).and_then(|kept| kept.names.insert(name, id));
        }
        is_new
    }

    fn find(&self, name: &str) -> Option<&Kept> {
        let id = row_id::read(name);
        id.and_then(|id| self.by_id(id)).or_else(|| self.traces.get(name))
    }

    fn by_id(&self, id: i64) -> Option<&Kept> {
        self.traces.values().find(|kept| kept.id == id)
    }

    fn of_node(&self, node: i64) -> Option<&Kept> {
        self.traces.values().find(|kept| kept.names.values().any(|id| *id == node))
    }

    fn trace(&self, kept: &Kept) -> Trace {
        let key = self.traces.iter().find(|(_, other)| other.id == kept.id).map(|(key, _)| key.clone());
        let graph = kept.graph();
        let sequences = kept.lineage.sequences.iter();
        let gaps = sequences.flat_map(|(sender, seen)| seen.gaps().map(|gap| (sender.clone(), gap)));
        let (missing, missing_more) = Missing::of(gaps);
        Trace {
            id: kept.id,
            key: key.unwrap_or_default(),
            facts: kept.lineage.facts.clone(),
            records: kept.records.len() as u64,
            figures: graph.figures(),
            databases: graph.databases() as u64,
            missing,
            missing_more,
        }
    }
}

impl Kept {
    /// The graph, each node with the least of its names' numbers.
    fn graph(&self) -> Graph {
        let mut graph = Graph::of(&self.lineage);
        for node in &mut graph.nodes {
            node.id = node.names.iter().filter_map(|name| self.names.get(name)).min().copied().unwrap_or(0);
        }
        graph
    }

    fn place_of(&self, graph: &Graph, node: i64) -> Option<usize> {
        let (name, _) = self.names.iter().find(|(_, id)| **id == node)?;
        graph.place_of(name)
    }

    fn part(&self, node: i64, direction: Direction, limits: WalkLimits) -> Option<GraphPart> {
        let graph = self.graph();
        let start = self.place_of(&graph, node)?;
        let links = Links::of(&graph);
        let Ok(walked) = walk(&mut InGraph { graph: &graph, links: &links }, start, direction, limits);
        let distances: BTreeMap<usize, usize> = walked.met.iter().copied().collect();
        let nodes = distances.keys().map(|place| (*place, graph.nodes[*place].clone())).collect();
        let edges = graph.edges.into_iter().map(|edge| (edge.from, edge.to, edge.kind, edge.facts));
        let graph = Graph::assemble(nodes, edges);
        // Both stand by key.
        Some(GraphPart { graph, distances: distances.into_values().collect(), is_cut: walked.is_cut })
    }
}

#[async_trait]
impl LineageStore for MemoryLineage {
    async fn check(&self) -> Result<(), LineageError> {
        Ok(())
    }

    async fn join(&self, records: Vec<TelemetryRecord>) -> Result<u64, LineageError> {
        let count = records.len() as u64;
        let new = self.with(|inner| records.into_iter().filter(|r| inner.join(r.clone())).count());
        Ok(count - new as u64)
    }

    async fn trace(&self, name: &str) -> Result<Option<Trace>, LineageError> {
        Ok(self.with(|inner| inner.find(name).map(|kept| inner.trace(kept))))
    }

    async fn traces(
        &self,
        filter: &TraceFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<TracePage, LineageError> {
        let mut traces =
            self.with(|inner| inner.traces.values().map(|kept| inner.trace(kept)).collect::<Vec<Trace>>());
        traces.retain(|trace| before.is_none_or(|before| trace.id < before) && filter.takes(trace));
        traces.sort_by_key(|trace| std::cmp::Reverse(trace.id));
        let more = traces.len() > limit;
        traces.truncate(limit);
        let next = traces.last().filter(|_| more).map(|trace| trace.id);
        Ok(TracePage { traces, next })
    }

    async fn graph(&self, trace: i64, nodes_max: usize) -> Result<WholeGraph, LineageError> {
        let graph = self.with(|inner| inner.by_id(trace).map(Kept::graph).unwrap_or_default());
        let nodes_total = graph.nodes.len();
        let nodes = graph.nodes.into_iter().enumerate().take(nodes_max).collect();
        let edges = graph.edges.into_iter().map(|edge| (edge.from, edge.to, edge.kind, edge.facts));
        Ok(WholeGraph { graph: Graph::assemble(nodes, edges), nodes_total })
    }

    async fn part(
        &self,
        node: i64,
        direction: Direction,
        limits: WalkLimits,
    ) -> Result<Option<GraphPart>, LineageError> {
        Ok(self.with(|inner| inner.of_node(node).and_then(|kept| kept.part(node, direction, limits))))
    }

    async fn nodes(
        &self,
        name: &str,
        trace: Option<i64>,
        after: Option<i64>,
        limit: usize,
    ) -> Result<Vec<(i64, Node)>, LineageError> {
        Ok(self.with(|inner| {
            let id = row_id::read(name).filter(|id| inner.of_node(*id).is_some());
            let mut traces: Vec<&Kept> = inner.traces.values().collect();
            traces.sort_by_key(|kept| kept.id);
            let found = traces.into_iter().filter_map(|kept| {
                let graph = kept.graph();
                let place = match id {
                    Some(id) => kept.place_of(&graph, id)?,
                    None => graph.place_of(name)?,
                };
                Some((kept.id, graph.nodes[place].clone()))
            });
            let wanted = |id: i64| trace.is_none_or(|t| t == id) && after.is_none_or(|after| id > after);
            found.filter(|(id, _)| wanted(*id)).take(limit).collect()
        }))
    }

    async fn records(
        &self,
        trace: i64,
        choice: RecordChoice,
        after: Option<RecordPlace>,
        limits: PageLimits,
    ) -> Result<RecordPage, LineageError> {
        Ok(self.with(|inner| match inner.by_id(trace) {
            Some(kept) => kept.records(choice, after, limits),
            None => RecordPage::default(),
        }))
    }
}

impl Kept {
    /// The place is how many went before.
    fn records(&self, choice: RecordChoice, after: Option<RecordPlace>, limits: PageLimits) -> RecordPage {
        let graph = self.graph();
        let place = choice.node.map(|node| self.place_of(&graph, node));
        let names: Vec<&str> = match place {
            Some(place) => {
                let names = place.map(|place| graph.nodes[place].names.as_slice()).unwrap_or_default();
                names.iter().map(|name| &**name).collect()
            }
            None => Vec::new(),
        };
        let is_meant = |record: &&TelemetryRecord| {
            let is_log = record.record_type == RecordType::Log;
            let is_of_node = choice.node.is_none() || record.names().any(|name| names.contains(&name));
            let is_in_period = choice.from.is_none_or(|from| record.created_at >= from)
                && choice.to.is_none_or(|to| record.created_at < to);
            (is_log || !choice.logs_only) && is_of_node && is_in_period
        };
        let mut meant: Vec<&TelemetryRecord> = self.records.iter().filter(is_meant).collect();
        if choice.latest_first {
            meant.reverse();
        }
        let skipped = after.and_then(|place| place.try_into().ok()).map_or(0, usize::from_le_bytes);
        let (mut records, mut bytes) = (Vec::new(), 0);
        for record in meant.iter().skip(skipped) {
            bytes += record.to_json().len();
            if !records.is_empty() && (records.len() == limits.max_records || bytes > limits.max_bytes) {
                break;
            }
            records.push((*record).clone());
        }
        let end = skipped + records.len();
        RecordPage { next: (end < meant.len()).then(|| end.to_le_bytes().to_vec()), records }
    }
}
