//! A trace, as it is written.

use serde::Serialize;
use utoipa::ToSchema;
use weir_core::lineage::{Missing, Trace, TraceState};
use weir_core::row_id;
use weir_core::time::Timestamp;

/// A trace at a glance.
#[derive(Serialize, ToSchema)]
#[schema(as = Trace)]
pub struct TraceForm<'a> {
    /// Its number, as text: it has more digits than a JavaScript number can hold.
    id: String,
    /// The same number, as a UUID.
    uuid: String,
    /// What its senders call it.
    key: &'a str,
    /// Whose it is.
    user: Option<&'a str>,
    /// `open`; `ended`, where its end was told and nothing is later; `quiet`, where nothing came for long.
    state: &'static str,
    /// Its first `TRACE_START`.
    started_at: Option<String>,
    /// Its last `TRACE_END`.
    ended_at: Option<String>,
    /// Its first record.
    first_at: Option<String>,
    /// Its last record.
    last_at: Option<String>,
    /// Different records of it.
    records: u64,
    /// Files that no `DERIVE` made.
    files: i64,
    /// Of the files, those that were dropped.
    dropped: i64,
    /// Of the files, those that are parents in a `DERIVE`.
    became_data: i64,
    /// Of the files, those that are neither.
    never_became_data: i64,
    /// Data.
    data: i64,
    /// Files that a `DERIVE` made.
    outputs: i64,
    /// Databases that something was written to.
    databases: u64,
    /// Records that their senders numbered and that have not come: the first gaps.
    missing: Vec<MissingForm<'a>>,
    /// Gaps beyond those.
    missing_more: u64,
}

/// Numbered records of one sender that have not come.
#[derive(Serialize, ToSchema)]
#[schema(as = MissingRecords)]
struct MissingForm<'a> {
    /// Whose.
    sender: &'a str,
    /// The first number.
    from: u64,
    /// The last number.
    to: u64,
}

impl<'a> TraceForm<'a> {
    /// Its form; without a record since `quiet_before` it is quiet.
    pub fn of(trace: &'a Trace, quiet_before: Timestamp) -> Self {
        let gap = |Missing { sender, from, to }: &'a Missing| MissingForm { sender, from: *from, to: *to };
        let Trace { facts, figures, .. } = trace;
        let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
        Self {
            id: trace.id.to_string(),
            uuid: row_id::to_uuid(trace.id).to_string(),
            key: &trace.key,
            user: user_of(trace),
            state: TraceState::of(facts, quiet_before).as_str(),
            started_at: text(facts.started_at),
            ended_at: text(facts.ended_at),
            first_at: text(facts.first_at),
            last_at: text(facts.last_at),
            records: trace.records,
            files: figures.files,
            dropped: figures.dropped,
            became_data: figures.became_data,
            never_became_data: figures.never_became_data,
            data: figures.data,
            outputs: figures.outputs,
            databases: trace.databases,
            missing: trace.missing.iter().map(gap).collect(),
            missing_more: trace.missing_more,
        }
    }
}

/// Whose the trace is.
pub fn user_of(trace: &Trace) -> Option<&str> {
    trace.facts.user.as_ref().map(|(_, _, user)| &**user)
}
