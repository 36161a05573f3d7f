//! Which of a trace's records go with a file.

use std::collections::HashSet;

use weir_core::lineage::{Direction, LineageStore, Node, RecordType, TelemetryRecord, WalkLimits};

use crate::exports::error::ExportError;

/// A file with more nodes up- or downstream goes with its whole trace: more than was asked for, and never less.
const WALK: WalkLimits = WalkLimits { depth_max: usize::MAX, nodes_max: 100_000 };

/// Which records of a trace are meant.
pub enum Selection {
    /// All.
    All,
    /// Those that name one of these, and the trace's beginning and end.
    Naming(HashSet<Box<str>>),
}

impl Selection {
    /// Those of everything up- and downstream of a node.
    pub async fn around(lineage: &dyn LineageStore, node: &Node) -> Result<Self, ExportError> {
        let mut names: HashSet<Box<str>> = node.names.iter().cloned().collect();
        for direction in [Direction::Upstream, Direction::Downstream] {
            let part = lineage.part(node.id, direction, WALK).await?.unwrap_or_default();
            if part.is_cut {
                return Ok(Self::All);
            }
            names.extend(part.graph.nodes.into_iter().flat_map(|node| node.names));
        }
        Ok(Self::Naming(names))
    }

    /// Whether it is meant.
    pub fn takes(&self, record: &TelemetryRecord) -> bool {
        match (self, record.record_type) {
            (Self::All, _) | (_, RecordType::TraceStart | RecordType::TraceEnd) => true,
            (Self::Naming(names), _) => record.names().any(|name| names.contains(name)),
        }
    }
}
