//! `GET /v1/nodes/{id}/upstream` and `…/downstream`: all that a node came from, and all that came of it.

use std::io;

use serde::Serialize;
use utoipa::ToSchema;
use weir_core::lineage::{Circles, Direction, GraphPart, Links, Node, Trace, WalkLimits};
use weir_core::time::Timestamp;

use super::edge_form::{EdgeForm, Edges};
use super::node_form::NodeForm;
use super::trace_form::TraceForm;
use super::truncation::Truncation;
use super::{Lineage, NODES_MAX, store_problem, written};
use crate::api::answer::Answer;
use crate::api::bits::Bits;
use crate::api::entry::{Api, Call};
use crate::api::problem::ProblemDocument;
use crate::api::query::Query;
use crate::api::route::decoded;

/// What a walk met.
#[derive(Serialize, ToSchema)]
#[schema(as = Walk)]
pub struct WalkForm<'a> {
    /// The trace.
    trace: TraceForm<'a>,
    /// Where the walk began.
    node: NodeForm<'a>,
    /// What it met beside that, the nearest first, and by key.
    nodes: Vec<NodeForm<'a>>,
    /// How all of these lead to each other.
    #[schema(value_type = Vec<EdgeForm>)]
    edges: Edges<'a>,
    /// What is not shown; null where all is.
    truncated: Option<Truncation>,
}

/// All causes of a node: what it was made of, and what that was made of.
#[utoipa::path(
    get, path = "/v1/nodes/{id}/upstream", tag = "lineage",
    params(
        ("id" = String, Path, description = "Its number, its UUID, or its key, percent-encoded"),
        ("trace" = Option<String>, Query, description = "Its trace, where several have a node of this key"),
        ("depth" = Option<usize>, Query, description = "So many edges away at most"),
    ),
    responses(
        (status = 200, description = "What it came from", body = WalkForm),
        (status = 400, description = "A parameter is wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No record names it", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "Several traces have a node of this key; `traces` names them", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn upstream(api: &Api, call: &Call<'_>, id: &str) -> Answer {
    walked(api, call, id, Direction::Upstream).await
}

/// All effects of a node: what was made of it, and what was made of that.
#[utoipa::path(
    get, path = "/v1/nodes/{id}/downstream", tag = "lineage",
    params(
        ("id" = String, Path, description = "Its number, its UUID, or its key, percent-encoded"),
        ("trace" = Option<String>, Query, description = "Its trace, where several have a node of this key"),
        ("depth" = Option<usize>, Query, description = "So many edges away at most"),
    ),
    responses(
        (status = 200, description = "What came of it", body = WalkForm),
        (status = 400, description = "A parameter is wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No record names it", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "Several traces have a node of this key; `traces` names them", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn downstream(api: &Api, call: &Call<'_>, id: &str) -> Answer {
    walked(api, call, id, Direction::Downstream).await
}

async fn walked(api: &Api, call: &Call<'_>, id: &str, direction: Direction) -> Answer {
    let lineage = Lineage::of(api)?;
    let query = Query::parse(call.head.uri.query())?.only(&["trace", "depth"])?;
    let depth_max = query.count("depth")?.unwrap_or(usize::MAX);
    let turn = lineage.turn().await?;
    let limits = WalkLimits { depth_max, nodes_max: NODES_MAX };
    let part = async |node: &Node| {
        let part = lineage.store.part(node.id, direction, limits).await;
        Ok(part.map_err(|error| store_problem(&error))?.unwrap_or_default())
    };
    let (trace, node, part) = match query.get("trace") {
        Some(_) => {
            let (trace, node) = lineage.node_at(id, query.get("trace")).await?;
            let part = part(&node).await?;
            (trace, node, part)
        }
        None => {
            let (trace, node) = lineage.only_node(&decoded(id)?).await?;
            let trace = trace.to_string();
            // A store that is far away answers both at once.
            let (trace, part) = tokio::try_join!(lineage.trace(&trace), part(&node))?;
            (trace, node, part)
        }
    };
    let quiet_before = lineage.quiet_before(api.surroundings.clock.now());
    written(turn, move |to| write(&trace, &node, &part, quiet_before, to)).await
}

fn write(
    trace: &Trace,
    node: &Node,
    part: &GraphPart,
    quiet_before: Timestamp,
    to: &mut Bits,
) -> io::Result<()> {
    let GraphPart { graph, distances, is_cut } = part;
    let circles = Circles::of(graph, &Links::of(graph));
    let mut order: Vec<usize> = (0..graph.nodes.len()).filter(|place| distances[*place] > 0).collect();
    order.sort_by_key(|place| distances[*place]);
    let form = |place: usize| NodeForm::of(&graph.nodes[place], trace).away(distances[place]);
    let form = WalkForm {
        trace: TraceForm::of(trace, quiet_before),
        node: NodeForm::of(node, trace),
        nodes: order.into_iter().map(form).collect(),
        edges: Edges { graph, circles: &circles, counts: None },
        truncated: Truncation::of_walk(graph.nodes.len(), *is_cut),
    };
    Ok(serde_json::to_writer(to, &form)?)
}
