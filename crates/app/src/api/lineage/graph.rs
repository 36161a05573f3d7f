//! `GET /v1/traces/{id}/graph`: a trace as a picture, ready to draw.

use std::io::{self, Write};

use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use weir_core::lineage::{Circles, Direction, Graph, Links, Trace, WalkLimits, canonical, collapse, layout};
use weir_core::time::Timestamp;

use super::edge_form::{EdgeForm, Edges};
use super::node_form::NodeForm;
use super::trace_form::TraceForm;
use super::truncation::Truncation;
use super::{Lineage, NODES_MAX, store_problem, written};
use crate::api::answer::Answer;
use crate::api::bits::Bits;
use crate::api::entry::{Api, Call};
use crate::api::problem::{Problem, ProblemDocument};
use crate::api::query::Query;

/// So far around a node, where it is not said how far.
const DEPTH_DEFAULT: usize = 3;

/// A trace as a picture.
#[derive(Serialize, ToSchema)]
#[schema(as = Graph)]
pub struct GraphForm<'a> {
    /// The trace.
    trace: TraceForm<'a>,
    /// Its nodes, by key.
    #[schema(value_type = Vec<NodeForm>)]
    nodes: Nodes<'a>,
    /// How they lead to each other.
    #[schema(value_type = Vec<EdgeForm>)]
    edges: Edges<'a>,
    /// What is not shown; null where all is.
    truncated: Option<Truncation>,
}

/// How the picture is wanted.
struct Wish {
    around: Option<String>,
    depth: usize,
    collapse: bool,
    canonical: bool,
}

/// A trace's nodes and edges, with places for a picture.
#[utoipa::path(
    get, path = "/v1/traces/{id}/graph", tag = "lineage",
    params(
        ("id" = String, Path, description = "Its number, its UUID, or its senders' key, percent-encoded"),
        ("around" = Option<String>, Query, description = "Only what lies about this node: its number, its UUID, or its key"),
        ("depth" = Option<usize>, Query, description = "So many edges from there at most, default 3"),
        ("collapse" = Option<bool>, Query, description = "Siblings of one kind, operation, outcome and reason are one node, with their `count`"),
        ("canonical" = Option<bool>, Query, description = "Keys for numbers, no places, sorted: the same bytes for the same records"),
    ),
    responses(
        (status = 200, description = "The picture; at most 100,000 nodes, and what is not shown is told", body = GraphForm),
        (status = 400, description = "A parameter is wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No record of the trace, or the node, has come", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn graph(api: &Api, call: &Call<'_>, id: &str) -> Answer {
    let lineage = Lineage::of(api)?;
    let wish = Wish::read(call)?;
    let turn = lineage.turn().await?;
    let trace = lineage.trace_at(id).await?;
    let (graph, truncated) = wish.graph(lineage, &trace).await?;
    if wish.canonical && truncated.is_some() {
        let detail = format!("only traces of at most {NODES_MAX} nodes have a canonical form");
        return Err(Problem::bad_request("too-large", detail));
    }
    let quiet_before = lineage.quiet_before(api.surroundings.clock.now());
    written(turn, move |to| wish.draw(&trace, &graph, truncated, quiet_before, to)).await
}

impl Wish {
    fn read(call: &Call<'_>) -> Result<Self, Problem> {
        let query = Query::parse(call.head.uri.query())?;
        let query = query.only(&["around", "depth", "collapse", "canonical"])?;
        let around = query.get("around").map(str::to_owned);
        let (collapse, canonical) = (query.flag("collapse")?, query.flag("canonical")?);
        if around.is_none() && query.get("depth").is_some() {
            return Err(Problem::bad_request("bad-query", "depth goes with around=NODE"));
        }
        if canonical && (around.is_some() || collapse) {
            return Err(Problem::bad_request("bad-query", "canonical is of the whole trace, as it is"));
        }
        let depth = query.count("depth")?.unwrap_or(DEPTH_DEFAULT);
        Ok(Self { around, depth, collapse, canonical })
    }

    async fn graph(&self, lineage: &Lineage, trace: &Trace) -> Result<(Graph, Option<Truncation>), Problem> {
        let Some(around) = &self.around else {
            let whole = lineage.store.graph(trace.id, NODES_MAX).await;
            let whole = whole.map_err(|error| store_problem(&error))?;
            let truncated = Truncation::of_trace(whole.graph.nodes.len(), whole.nodes_total);
            return Ok((whole.graph, truncated));
        };
        let node = lineage.node_of(trace, around).await?;
        let limits = WalkLimits { depth_max: self.depth, nodes_max: NODES_MAX };
        let part = lineage.store.part(node.id, Direction::Around, limits).await;
        let part = part.map_err(|error| store_problem(&error))?.unwrap_or_default();
        let truncated = Truncation::of_walk(part.graph.nodes.len(), part.is_cut);
        Ok((part.graph, truncated))
    }

    fn draw(
        &self,
        trace: &Trace,
        graph: &Graph,
        truncated: Option<Truncation>,
        quiet_before: Timestamp,
        to: &mut Bits,
    ) -> io::Result<()> {
        if self.canonical {
            return to.write_all(canonical(trace, graph).as_bytes());
        }
        let links = Links::of(graph);
        let circles = Circles::of(graph, &links);
        let places = layout(graph, &links, &circles);
        if !self.collapse {
            let picture = Picture { graph, circles: &circles, places: &places, counts: None };
            return picture.write(trace, truncated, quiet_before, to);
        }
        let folded = collapse(graph, &links, &circles, &places);
        let links = Links::of(&folded.graph);
        let circles = Circles::of(&folded.graph, &links);
        let places = layout(&folded.graph, &links, &circles);
        let counts = Some((folded.counts.as_slice(), folded.edge_counts.as_slice()));
        let picture = Picture { graph: &folded.graph, circles: &circles, places: &places, counts };
        picture.write(trace, truncated, quiet_before, to)
    }
}

/// A graph that is laid out; of a folded one, for how many each node and each edge stands.
struct Picture<'a> {
    graph: &'a Graph,
    circles: &'a Circles,
    places: &'a [weir_core::lineage::Place],
    counts: Option<(&'a [usize], &'a [usize])>,
}

impl Picture<'_> {
    fn write(
        &self,
        trace: &Trace,
        truncated: Option<Truncation>,
        quiet_before: Timestamp,
        to: &mut Bits,
    ) -> io::Result<()> {
        let Self { graph, circles, counts, .. } = self;
        let form = GraphForm {
            trace: TraceForm::of(trace, quiet_before),
            nodes: Nodes { picture: self, trace },
            edges: Edges { graph, circles, counts: counts.map(|(_, edges)| edges) },
            truncated,
        };
        Ok(serde_json::to_writer(to, &form)?)
    }
}

/// The nodes of a picture.
struct Nodes<'a> {
    picture: &'a Picture<'a>,
    trace: &'a Trace,
}

impl Serialize for Nodes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Picture { graph, places, counts, .. } = self.picture;
        serializer.collect_seq(graph.nodes.iter().enumerate().map(|(index, node)| {
            let count = counts.map(|(nodes, _)| nodes[index]);
            NodeForm::of(node, self.trace).placed(places[index]).counted(count)
        }))
    }
}
