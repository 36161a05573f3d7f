//! `GET /v1/nodes/{id}/why`: why a node became what it became, or nothing.

use hyper::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use weir_core::lineage::{
    Direction, Graph, Links, Node, Outcome, PageLimits, RecordChoice, RecordType, SiblingGroup,
    TelemetryRecord, Trace, WalkLimits, siblings,
};

use super::node_form::NodeForm;
use super::record_schema::TelemetryBody;
use super::trace_form::TraceForm;
use super::{Lineage, NODES_MAX, store_problem, work};
use crate::api::answer::{Answer, of_type};
use crate::api::entry::{Api, Call};
use crate::api::problem::{Problem, ProblemDocument};
use crate::api::query::Query;

/// As many log lines as are shown, and as many records as are looked through for the last deed.
const RECORDS: PageLimits = PageLimits { max_records: 100, max_bytes: 1 << 20 };
/// Siblings are two edges away, what was made of them three.
const SIBLINGS_DEPTH: usize = 3;

/// Why a node became what it became.
#[derive(Serialize, ToSchema)]
#[schema(as = Why)]
pub struct WhyForm<'a> {
    /// The trace.
    trace: TraceForm<'a>,
    /// The node.
    node: NodeForm<'a>,
    /// What became of it: the node's own state.
    state: &'static str,
    /// Why it was dropped.
    reason: Option<&'a str>,
    /// What was last told of it that is no log line.
    #[schema(value_type = Option<TelemetryBody>)]
    last: Option<TelemetryRecord>,
    /// The log lines that go with it, by moment.
    #[schema(value_type = Vec<TelemetryBody>)]
    logs: Vec<TelemetryRecord>,
    /// Whether there are more log lines.
    logs_truncated: bool,
    /// Where the nodes beside it went: those that have a parent in common with it; of a root, the other roots of its kind.
    siblings: Vec<SiblingsForm>,
    /// Whether there are more siblings than were looked at.
    siblings_truncated: bool,
}

/// Siblings of one kind and one fate.
#[derive(Serialize, ToSchema)]
#[schema(as = Siblings)]
struct SiblingsForm {
    /// What they are.
    kind: &'static str,
    /// What became of them.
    state: &'static str,
    /// Why, where they were dropped.
    reason: Option<String>,
    /// How many.
    count: usize,
    /// The first few.
    keys: Vec<String>,
    /// What was made of them.
    into: Vec<OutcomeForm>,
}

/// What was made of some siblings.
#[derive(Serialize, ToSchema)]
#[schema(as = Outcome)]
struct OutcomeForm {
    /// `derive`, `write`, `send` or `replay`.
    edge: &'static str,
    /// By which operation.
    operation: Option<String>,
    /// Into what.
    kind: &'static str,
    /// How many.
    count: usize,
    /// The first few.
    keys: Vec<String>,
}

/// Why a node was dropped, or became what it became: the reason, its log lines, what was last told of it, and where its
/// siblings went.
#[utoipa::path(
    get, path = "/v1/nodes/{id}/why", tag = "lineage",
    params(
        ("id" = String, Path, description = "Its number, its UUID, or its key, percent-encoded"),
        ("trace" = Option<String>, Query, description = "Its trace, where several have a node of this key"),
    ),
    responses(
        (status = 200, description = "Why", body = WhyForm),
        (status = 400, description = "A parameter is wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No record names it", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "Several traces have a node of this key; `traces` names them", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn why(api: &Api, call: &Call<'_>, id: &str) -> Answer {
    let lineage = Lineage::of(api)?;
    let query = Query::parse(call.head.uri.query())?.only(&["trace"])?;
    let turn = lineage.turn().await?;
    let (trace, node) = lineage.node_at(id, query.get("trace")).await?;
    let choice = RecordChoice { node: Some(node.id), ..RecordChoice::default() };
    let (logs, logs_truncated) = lineage.told_of(&trace, RecordChoice { logs_only: true, ..choice }).await?;
    let (latest, _) = lineage.told_of(&trace, RecordChoice { latest_first: true, ..choice }).await?;
    let last = latest.into_iter().find(|record| record.record_type != RecordType::Log);
    let (graph, siblings_truncated) = lineage.beside(&trace, &node).await?;
    let quiet_before = lineage.quiet_before(api.surroundings.clock.now());
    let write = move || {
        serde_json::to_vec(&WhyForm {
            trace: TraceForm::of(&trace, quiet_before),
            node: NodeForm::of(&node, &trace),
            state: node.state().as_str(),
            reason: node.reason(),
            last,
            logs,
            logs_truncated,
            siblings: siblings_of(&graph, &node),
            siblings_truncated,
        })
    };
    let body = work(turn, write).await?.map_err(|error| Problem::internal(&error))?;
    Ok(of_type(StatusCode::OK, "application/json", body))
}

impl Lineage {
    /// The first records of those chosen, and whether there are more.
    async fn told_of(
        &self,
        trace: &Trace,
        choice: RecordChoice,
    ) -> Result<(Vec<TelemetryRecord>, bool), Problem> {
        let page = self.store.records(trace.id, choice, None, RECORDS).await;
        let page = page.map_err(|error| store_problem(&error))?;
        Ok((page.records, page.next.is_some()))
    }

    /// The part of the trace that holds the node's siblings, and whether it may lack some of them.
    async fn beside(&self, trace: &Trace, node: &Node) -> Result<(Graph, bool), Problem> {
        let limits = WalkLimits { depth_max: SIBLINGS_DEPTH, nodes_max: NODES_MAX };
        let part = self.store.part(node.id, Direction::Around, limits).await;
        let part = part.map_err(|error| store_problem(&error))?.unwrap_or_default();
        let is_root = part.graph.edges.iter().all(|edge| part.graph.nodes[edge.to].id != node.id);
        if !is_root {
            return Ok((part.graph, part.is_cut));
        }
        let whole = self.store.graph(trace.id, NODES_MAX).await;
        let whole = whole.map_err(|error| store_problem(&error))?;
        let is_cut = whole.graph.nodes.len() < whole.nodes_total;
        Ok((whole.graph, is_cut))
    }
}

fn siblings_of(graph: &Graph, node: &Node) -> Vec<SiblingsForm> {
    let place = graph.nodes.iter().position(|other| other.id == node.id);
    let groups = place.map(|place| siblings(graph, &Links::of(graph), place)).unwrap_or_default();
    let form = |SiblingGroup { kind, state, reason, count, keys, into }: SiblingGroup| SiblingsForm {
        kind: kind.as_str(),
        state: state.as_str(),
        reason,
        count,
        keys,
        into: into.into_iter().map(outcome).collect(),
    };
    groups.into_iter().map(form).collect()
}

fn outcome(Outcome { edge, operation, kind, count, keys }: Outcome) -> OutcomeForm {
    OutcomeForm { edge: edge.as_str(), operation, kind: kind.as_str(), count, keys }
}
