//! An edge, as it is written.

use serde::Serialize;
use utoipa::ToSchema;
use weir_core::lineage::{Circles, Graph};

/// How one node leads to another.
#[derive(Serialize, ToSchema)]
#[schema(as = Edge)]
pub struct EdgeForm<'a> {
    /// The number of the node where it begins.
    from: String,
    /// The number of the node where it leads.
    to: String,
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

impl<'a> EdgeForm<'a> {
    /// All edges of a graph; `counts` tells for how many each of them stands.
    pub fn all(graph: &'a Graph, circles: &Circles, counts: Option<&[usize]>) -> Vec<Self> {
        let id = |node: usize| graph.nodes[node].id.to_string();
        let form = |(index, edge): (usize, &'a weir_core::lineage::Edge)| Self {
            from: id(edge.from),
            to: id(edge.to),
            kind: edge.kind.as_str(),
            operation: edge.operation(),
            cycle: circles.is_on_circle[index],
            count: counts.map(|counts| counts[index]),
        };
        graph.edges.iter().enumerate().map(form).collect()
    }
}
