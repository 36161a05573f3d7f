//! Lineage: what became of every file.
//!
//! Senders tell of it in records ([`TelemetryRecord`]); records make a trace's lineage ([`TraceLineage`]), which is
//! drawn as a [`Graph`].
//!
//! **Constraint.** Lineage is order-free: every effect of a record is a join, so any permutation, repetition or delay of
//! the same records gives the same graph, byte for byte in its canonical form ([`canonical`]). A record never fails
//! because another has not come: what is not known yet is a placeholder, which a later record fills.

mod canonical;
mod collapse;
mod facts;
mod figures;
mod graph;
mod json;
mod layout;
mod limits;
mod links;
mod merge;
mod node;
mod ranges;
mod read;
mod record;
mod siblings;
mod store;
#[cfg(test)]
mod tests;
mod trace;
mod walk;

pub use canonical::canonical;
pub use collapse::{Folded, collapse};
pub use facts::{Deed, Deeds, EdgeFacts, EdgeKind, NodeFacts, TraceFacts, UserWord};
pub use figures::{Databases, Figures};
pub use graph::{Edge, Graph};
pub use json::Json;
pub use layout::{Place, layout};
pub use limits::*;
pub use links::{Circles, Links};
pub use merge::{Earliest, Join, Latest};
pub use node::{Node, NodeState};
pub use ranges::Ranges;
pub use record::{Members, NodeKind, RecordType, TelemetryRecord};
pub use siblings::{Outcome, SiblingGroup, siblings};
pub use store::{
    GraphPart, LineageError, LineageStore, MISSING_MAX, Missing, PageLimits, RecordChoice, RecordPage,
    RecordPlace, Trace, TraceFilter, TracePage, TraceState, WholeGraph,
};
pub use trace::{EdgeName, TraceLineage, database_key, process_key};
pub use walk::{Adjacency, Direction, InGraph, Walk, WalkLimits, walk};
