//! The store's contract: where lineage is kept, and what it can be asked.
//!
//! Records are joined to what is there. Joining again, in another order, or in other company, changes nothing more; so a
//! caller that lost an answer asks again. Nothing is ever looked for in vain: a name that is not known yet is made.

use async_trait::async_trait;

use super::facts::TraceFacts;
use super::figures::Figures;
use super::graph::Graph;
use super::node::Node;
use super::record::TelemetryRecord;
use super::walk::{Direction, WalkLimits};
use crate::time::Timestamp;

/// Gaps that are told of a trace at most.
pub const MISSING_MAX: usize = 1_000;

/// A trace at a glance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// Its number, given when it was first heard of.
    pub id: i64,
    /// What its senders call it.
    pub key: Box<str>,
    /// Whose it is, and its moments.
    pub facts: TraceFacts,
    /// Different records of it.
    pub records: u64,
    /// What its nodes add up to.
    pub figures: Figures,
    /// Databases that something was written to.
    pub databases: u64,
    /// Records that its senders numbered and that never came, by sender: the first [`MISSING_MAX`] gaps.
    pub missing: Vec<Missing>,
    /// Gaps beyond those.
    pub missing_more: u64,
}

/// Records of one sender that never came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Whose.
    pub sender: Box<str>,
    /// The first number.
    pub from: u64,
    /// The last number.
    pub to: u64,
}

impl Missing {
    /// The first [`MISSING_MAX`] of these gaps, and how many there are beyond.
    pub fn of(gaps: impl Iterator<Item = (Box<str>, (u64, u64))>) -> (Vec<Self>, u64) {
        let mut gaps = gaps.map(|(sender, (from, to))| Self { sender, from, to });
        let first = gaps.by_ref().take(MISSING_MAX).collect();
        (first, gaps.count() as u64)
    }
}

/// Whether more is to be expected of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceState {
    /// Records come.
    Open,
    /// Its end was told, and nothing came after it.
    Ended,
    /// Nothing came for a while.
    Quiet,
}

impl TraceState {
    /// All of them, and how each is written.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::Open, "open"), (Self::Ended, "ended"), (Self::Quiet, "quiet")];

    /// Of a trace with these facts, where those without a record since `quiet_before` count as quiet.
    pub fn of(facts: &TraceFacts, quiet_before: Timestamp) -> Self {
        match facts.last_at {
            _ if facts.is_ended() => Self::Ended,
            Some(last) if last >= quiet_before => Self::Open,
            _ => Self::Quiet,
        }
    }

    /// Reads its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known)| *known == name).map(|(state, _)| state)
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        Self::ALL.into_iter().find(|(state, _)| *state == self).map_or("", |(_, name)| name)
    }
}

/// Which traces are meant; every given member must hold.
#[derive(Clone, Debug, Default)]
pub struct TraceFilter {
    /// Of this user.
    pub user: Option<String>,
    /// With a record at or after this moment.
    pub from: Option<Timestamp>,
    /// With a record before this moment.
    pub to: Option<Timestamp>,
    /// In this state, where those without a record since the moment count as quiet.
    pub state: Option<(TraceState, Timestamp)>,
    /// With a dropped file, or without any.
    pub has_drops: Option<bool>,
    /// With this text in their key or user; of letters that ASCII has, large and small are not told apart.
    pub text: Option<String>,
}

impl TraceFilter {
    /// Whether the trace is meant.
    pub fn takes(&self, trace: &Trace) -> bool {
        let Trace { key, facts, figures, .. } = trace;
        let user = facts.user.as_ref().map(|(_, _, user)| &**user);
        let has = |text: &str, part: &str| text.to_ascii_lowercase().contains(&part.to_ascii_lowercase());
        self.user.as_deref().is_none_or(|wanted| user == Some(wanted))
            && self.from.is_none_or(|from| facts.last_at >= Some(from))
            && self.to.is_none_or(|to| facts.first_at.is_some_and(|first| first < to))
            && self.state.is_none_or(|(state, quiet)| TraceState::of(facts, quiet) == state)
            && self.has_drops.is_none_or(|wanted| (figures.dropped > 0) == wanted)
            && self.text.as_deref().is_none_or(|part| has(key, part) || user.is_some_and(|u| has(u, part)))
    }
}

/// Some traces, the newest first.
#[derive(Clone, Debug, Default)]
pub struct TracePage {
    /// The traces; there may be none although there are more pages.
    pub traces: Vec<Trace>,
    /// Where the next page begins, if there is one.
    pub next: Option<i64>,
}

/// A whole trace, or as much of it as was asked for.
#[derive(Clone, Debug, Default)]
pub struct WholeGraph {
    /// Nodes, and the edges between them.
    pub graph: Graph,
    /// How many nodes the trace has.
    pub nodes_total: usize,
}

/// What a walk met.
#[derive(Clone, Debug, Default)]
pub struct GraphPart {
    /// Nodes, and all edges between them.
    pub graph: Graph,
    /// By node: how far it is from the start.
    pub distances: Vec<usize>,
    /// Whether there were more nodes than were asked for.
    pub is_cut: bool,
}

/// Which of a trace's records are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordChoice {
    /// Only log lines.
    pub logs_only: bool,
    /// Only those that name this node.
    pub node: Option<i64>,
    /// Only those of this moment, or later.
    pub from: Option<Timestamp>,
    /// Only those before this moment.
    pub to: Option<Timestamp>,
    /// The latest first.
    pub latest_first: bool,
}

/// Where a page of records ended; opaque to whoever asks.
pub type RecordPlace = Vec<u8>;

/// Some records, by moment.
#[derive(Clone, Debug, Default)]
pub struct RecordPage {
    /// The records.
    pub records: Vec<TelemetryRecord>,
    /// Where the next page begins, if there is one.
    pub next: Option<RecordPlace>,
}

/// How much one page of records may hold; at least one record is given where there is one.
#[derive(Clone, Copy, Debug)]
pub struct PageLimits {
    /// Records.
    pub max_records: usize,
    /// Bytes of their JSON, about.
    pub max_bytes: usize,
}

/// What went wrong, by what the caller can do.
#[derive(Debug, thiserror::Error)]
pub enum LineageError {
    /// Not done, or done and the answer lost: ask again.
    #[error("lineage: {0:#}")]
    Retry(anyhow::Error),
    /// Asking again cannot help: what is stored is damaged, or of a newer version.
    #[error("lineage: {0:#}")]
    Broken(anyhow::Error),
}

/// Keeps lineage.
#[async_trait]
pub trait LineageStore: Send + Sync + 'static {
    /// Whether it can be written to and read from.
    async fn check(&self) -> Result<(), LineageError>;

    /// Joins records to what is there, all or none of them, durable on return. How many were there before, or stood
    /// among these more than once.
    ///
    /// Each must have passed [`TelemetryRecord::read`]. Calls may overlap.
    async fn join(&self, records: Vec<TelemetryRecord>) -> Result<u64, LineageError>;

    /// The trace of this name: its number, its UUID, or its senders' key.
    async fn trace(&self, name: &str) -> Result<Option<Trace>, LineageError>;

    /// Traces that match, by falling number, from below `before` on, at most `limit`.
    async fn traces(
        &self,
        filter: &TraceFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<TracePage, LineageError>;

    /// A trace's nodes, at most `nodes_max`, and the edges between them. Empty where there is no such trace.
    async fn graph(&self, trace: i64, nodes_max: usize) -> Result<WholeGraph, LineageError>;

    /// What a walk from a node meets, in its own trace. `None` where there is no such node.
    async fn part(
        &self,
        node: i64,
        direction: Direction,
        limits: WalkLimits,
    ) -> Result<Option<GraphPart>, LineageError>;

    /// The nodes of this name (its number, its UUID, or a key or alias of it) with their traces' numbers; of one trace,
    /// or of all. By rising number of the trace, from above `after` on, at most `limit`.
    async fn nodes(
        &self,
        name: &str,
        trace: Option<i64>,
        after: Option<i64>,
        limit: usize,
    ) -> Result<Vec<(i64, Node)>, LineageError>;

    /// A trace's records, by moment, from after `after` on.
    async fn records(
        &self,
        trace: i64,
        choice: RecordChoice,
        after: Option<RecordPlace>,
        limits: PageLimits,
    ) -> Result<RecordPage, LineageError>;
}
