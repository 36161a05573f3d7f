//! An edge, as it is written.

use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use weir_core::lineage::{Circles, Graph};

use super::text::Id;

/// How one node leads to another.
#[derive(Serialize, ToSchema)]
#[schema(as = Edge)]
pub struct EdgeForm<'a> {
    /// The number of the node where it begins.
    #[schema(value_type = String)]
    from: Id,
    /// The number of the node where it leads.
    #[schema(value_type = String)]
    to: Id,
    /// `derive`, `write`, `send` or `replay`.
    kind: &'static str,
    /// By which operation.
    operation: Option<&'a str>,
    /// Whether it lies on a circle.
    cycle: bool,
    /// For how many it stands, where siblings are folded.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<usize>,
}

/// All edges of a graph; `counts` tells for how many each of them stands.
pub struct Edges<'a> {
    pub graph: &'a Graph,
    pub circles: &'a Circles,
    pub counts: Option<&'a [usize]>,
}

impl Serialize for Edges<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { graph, circles, counts } = self;
        let id = |node: usize| Id(graph.nodes[node].id);
        serializer.collect_seq(graph.edges.iter().enumerate().map(|(index, edge)| EdgeForm {
            from: id(edge.from),
            to: id(edge.to),
            kind: edge.kind.as_str(),
            operation: edge.operation(),
            cycle: circles.is_on_circle[index],
            count: counts.map(|counts| counts[index]),
        }))
    }
}
