//! Which trace, which node: by number, UUID, key or another name.

use hyper::StatusCode;
use weir_core::lineage::{Node, Trace};

use super::{Lineage, store_problem};
use crate::api::problem::Problem;
use crate::api::route::decoded;

/// Of nodes that share a name, so many traces are named.
const NAMED_MAX: usize = 20;

impl Lineage {
    /// The trace that the segment of an address names.
    pub(super) async fn trace_at(&self, segment: &str) -> Result<Trace, Problem> {
        self.trace(&decoded(segment)?).await
    }

    /// The trace of this name.
    pub async fn trace(&self, name: &str) -> Result<Trace, Problem> {
        let found = self.store.trace(name).await.map_err(|error| store_problem(&error))?;
        let unknown = || Problem::not_found(format!("no record of a trace {name:?} has come yet"));
        found.ok_or_else(unknown)
    }

    /// The node that the segment of an address names, with its trace; `within` tells the trace where several have it.
    pub(super) async fn node_at(
        &self,
        segment: &str,
        within: Option<&str>,
    ) -> Result<(Trace, Node), Problem> {
        let name = decoded(segment)?;
        let Some(within) = within else {
            let (trace, node) = self.only_node(&name).await?;
            return Ok((self.trace(&trace.to_string()).await?, node));
        };
        let trace = self.trace(within).await?;
        let node = self.node_of(&trace, &name).await?;
        Ok((trace, node))
    }

    /// The trace's node of this name.
    pub(super) async fn node_of(&self, trace: &Trace, name: &str) -> Result<Node, Problem> {
        let found = self.store.nodes(name, Some(trace.id), None, 1).await;
        let found = found.map_err(|error| store_problem(&error))?.pop();
        let unknown = || {
            let detail = format!("no record of trace {:?} names {name:?} yet", trace.key);
            Problem::not_found(detail)
        };
        found.map(|(_, node)| node).ok_or_else(unknown)
    }

    /// That some trace has a node of this name.
    pub async fn check_known(&self, name: &str) -> Result<(), Problem> {
        let found = self.store.nodes(name, None, None, 1).await.map_err(|error| store_problem(&error))?;
        match found.is_empty() {
            true => Err(Problem::not_found(format!("no record names {name:?} yet"))),
            false => Ok(()),
        }
    }

    /// The node of this name, where one trace alone has it, and that trace's number.
    pub(super) async fn only_node(&self, name: &str) -> Result<(i64, Node), Problem> {
        let found = self.store.nodes(name, None, None, NAMED_MAX).await;
        let mut found = found.map_err(|error| store_problem(&error))?;
        if found.len() > 1 {
            return Err(self.ambiguous(name, &found).await?);
        }
        let unknown = || Problem::not_found(format!("no record names {name:?} yet"));
        found.pop().ok_or_else(unknown)
    }

    async fn ambiguous(&self, name: &str, found: &[(i64, Node)]) -> Result<Problem, Problem> {
        let mut keys = Vec::with_capacity(found.len());
        for (trace, _) in found {
            keys.push(self.trace(&trace.to_string()).await?.key);
        }
        let detail = format!(
            "several traces have a node {name:?}; say which one is meant, as ?trace={}",
            keys.first().map_or("", |key| key)
        );
        Ok(Problem::new(StatusCode::CONFLICT, "ambiguous", detail).with("traces", keys))
    }
}
