//! What an answer does not show, and how to ask for it.

use serde::Serialize;
use utoipa::ToSchema;

/// That there is more than is shown.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Truncated)]
pub struct Truncation {
    /// How many nodes are shown.
    nodes_shown: usize,
    /// How many there are, where that is known.
    nodes_total: Option<usize>,
    /// How to ask for the others.
    detail: String,
}

impl Truncation {
    /// Of a whole trace, where it has more nodes than are shown.
    pub fn of_trace(nodes_shown: usize, nodes_total: usize) -> Option<Self> {
        let missing = nodes_total.checked_sub(nodes_shown).filter(|missing| *missing > 0)?;
        let detail = format!(
            "{missing} nodes are not shown, nor the edges from and to them; ?around=NODE&depth=N shows what \
             lies about one of them, and /v1/nodes/NODE/downstream all that came of it"
        );
        Some(Self { nodes_shown, nodes_total: Some(nodes_total), detail })
    }

    /// Of a walk that met more nodes than are shown.
    pub fn of_walk(nodes_shown: usize, is_cut: bool) -> Option<Self> {
        let detail = "there are more nodes, farther away than those shown; walk on from the farthest of \
                      these, or fewer steps with ?depth=N"
            .to_owned();
        is_cut.then_some(Self { nodes_shown, nodes_total: None, detail })
    }
}
