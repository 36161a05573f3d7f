//! `GET /v1/files/{key}/journey`: what became of a key, in every trace that has it.

use hyper::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use weir_core::lineage::{Direction, GraphPart, Node, NodeKind, Trace, TraceState, WalkLimits};
use weir_core::row_id;
use weir_core::time::Timestamp;

use super::node_form::NodeForm;
use super::trace_form::user_of;
use super::{Lineage, store_problem};
use crate::api::answer::{Answer, json};
use crate::api::entry::{Api, Call};
use crate::api::problem::{Problem, ProblemDocument};
use crate::api::query::Query;
use crate::api::route::decoded;

/// As many nodes are counted on either side of a stop.
const WALK: WalkLimits = WalkLimits { depth_max: usize::MAX, nodes_max: 10_001 };
/// A page ends when so many nodes were met, however few stops it has.
const PAGE_MAX_NODES: usize = 100_000;
/// As many databases of a stop are named.
const DATABASES_MAX: usize = 100;

/// A page of a key's stops, by trace, the one that was first heard of first.
#[derive(Serialize, ToSchema)]
pub struct Journey {
    /// The stops; there may be fewer than wanted although there are more pages.
    items: Vec<serde_json::Value>,
    /// Where the next page begins; null on the last one.
    next: Option<String>,
}

/// What a key is in one trace, and what it became there.
#[derive(Serialize, ToSchema)]
#[schema(as = Stop)]
pub struct StopForm<'a> {
    /// The trace.
    trace: StopTrace<'a>,
    /// The node: its state, its reason, and when what happened to it happened.
    node: NodeForm<'a>,
    /// Nodes that it came from.
    upstream: usize,
    /// Nodes that came of it.
    downstream: usize,
    /// Whether there are more nodes, upstream or downstream, than were counted.
    more: bool,
    /// Keys of the databases that it, or what came of it, was written to: the first few.
    databases: Vec<&'a str>,
}

/// Which trace it is.
#[derive(Serialize, ToSchema)]
struct StopTrace<'a> {
    /// Its number, as text.
    id: String,
    /// The same number, as a UUID.
    uuid: String,
    /// What its senders call it.
    key: &'a str,
    /// Whose it is.
    user: Option<&'a str>,
    /// `open`, `ended` or `quiet`.
    state: &'static str,
}

/// What became of a file or datum: its nodes over all traces, each with what it came from and what came of it.
#[utoipa::path(
    get, path = "/v1/files/{key}/journey", tag = "lineage",
    params(
        ("key" = String, Path, description = "Its key, percent-encoded, or the number or UUID of one node"),
        ("limit" = Option<usize>, Query, description = "At most so many: 1 to 1000, default 100"),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before"),
    ),
    responses(
        (status = 200, description = "A page", body = Journey),
        (status = 400, description = "A parameter is wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No record names it", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn journey(api: &Api, call: &Call<'_>, key: &str) -> Answer {
    let lineage = Lineage::of(api)?;
    let query = Query::parse(call.head.uri.query())?.only(&["limit", "cursor"])?;
    let (cursor, limit, name) = (query.cursor()?, query.limit()?, decoded(key)?);
    let _turn = lineage.turn().await?;
    let found = lineage.store.nodes(&name, None, cursor, limit + 1).await;
    let mut found = found.map_err(|error| store_problem(&error))?;
    if found.is_empty() && cursor.is_none() {
        return Err(Problem::not_found(format!("no record names {name:?} yet")));
    }
    let mut is_cut = found.len() > limit;
    found.truncate(limit);
    let quiet_before = lineage.quiet_before(api.surroundings.clock.now());
    let (mut items, mut met, mut last) = (Vec::new(), 0, None);
    for (trace, node) in &found {
        if met >= PAGE_MAX_NODES {
            is_cut = true;
            break;
        }
        let stop = lineage.stop(*trace, node, quiet_before).await?;
        met += stop.met;
        items.push(stop.form);
        last = Some(trace.to_string());
    }
    json(StatusCode::OK, &Journey { items, next: last.filter(|_| is_cut) })
}

/// A stop, and how many nodes were met to tell of it.
struct Told {
    form: serde_json::Value,
    met: usize,
}

impl Lineage {
    async fn stop(&self, trace: i64, node: &Node, quiet_before: Timestamp) -> Result<Told, Problem> {
        let trace = self.trace(&trace.to_string()).await?;
        let up = self.beyond(node, Direction::Upstream).await?;
        let down = self.beyond(node, Direction::Downstream).await?;
        let others = |part: &GraphPart| part.graph.nodes.len().saturating_sub(1);
        let databases = down.graph.nodes.iter().filter(|node| node.kind() == NodeKind::Db);
        let form = StopForm {
            trace: StopTrace::of(&trace, quiet_before),
            node: NodeForm::of(node, &trace),
            upstream: others(&up),
            downstream: others(&down),
            more: up.is_cut || down.is_cut,
            databases: databases.map(Node::key).take(DATABASES_MAX).collect(),
        };
        let met = others(&up) + others(&down);
        let form = serde_json::to_value(&form).map_err(|error| Problem::internal(&error))?;
        Ok(Told { form, met })
    }

    async fn beyond(&self, node: &Node, direction: Direction) -> Result<GraphPart, Problem> {
        let part = self.store.part(node.id, direction, WALK).await;
        Ok(part.map_err(|error| store_problem(&error))?.unwrap_or_default())
    }
}

impl<'a> StopTrace<'a> {
    fn of(trace: &'a Trace, quiet_before: Timestamp) -> Self {
        Self {
            id: trace.id.to_string(),
            uuid: row_id::to_uuid(trace.id).to_string(),
            key: &trace.key,
            user: user_of(trace),
            state: TraceState::of(&trace.facts, quiet_before).as_str(),
        }
    }
}
