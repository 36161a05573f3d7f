//! The traces whose records are meant, one after the other.
//!
//! **Constraint.** The order hangs on the traces' numbers alone, so that it can be gone on in. By period the newest come
//! first: a trace that begins meanwhile is not met, and there is an end.

use std::collections::VecDeque;

use weir_core::lineage::{LineageStore, Node, TraceFilter};
use weir_core::time::Timestamp;

use super::TelemetryChoice;
use super::selection::Selection;
use crate::exports::error::ExportError;

/// Traces that are asked for at once.
const PAGE: usize = 100;

/// A trace, and what of it is meant.
pub struct Found {
    /// Its number.
    pub trace: i64,
    /// Which records.
    pub selection: Selection,
    /// Not before this moment.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub to: Option<Timestamp>,
}

/// Finds them.
pub struct Traces<'a> {
    lineage: &'a dyn LineageStore,
    choice: &'a TelemetryChoice,
    /// Numbers that were found and not handed out; by file with the trace's node.
    waiting: VecDeque<(i64, Option<Node>)>,
    /// The last number that was asked for, and whether there may be more beyond.
    last: Option<i64>,
    is_over: bool,
}

impl<'a> Traces<'a> {
    /// From this trace on, itself included; from the first on where none is named.
    pub fn new(lineage: &'a dyn LineageStore, choice: &'a TelemetryChoice, from: Option<i64>) -> Self {
        let before_it = |from: i64| match choice {
            TelemetryChoice::Period { .. } => from.saturating_add(1),
            TelemetryChoice::Trace(_) | TelemetryChoice::File(_) => from.saturating_sub(1),
        };
        Self { lineage, choice, waiting: VecDeque::new(), last: from.map(before_it), is_over: false }
    }

    /// The next one.
    pub async fn next(&mut self) -> Result<Option<Found>, ExportError> {
        while self.waiting.is_empty() && !self.is_over {
            self.ask().await?;
        }
        let Some((trace, node)) = self.waiting.pop_front() else { return Ok(None) };
        let selection = match node {
            Some(node) => Selection::around(self.lineage, &node).await?,
            None => Selection::All,
        };
        let (from, to) = match self.choice {
            TelemetryChoice::Period { from, to } => (*from, *to),
            TelemetryChoice::Trace(_) | TelemetryChoice::File(_) => (None, None),
        };
        Ok(Some(Found { trace, selection, from, to }))
    }

    async fn ask(&mut self) -> Result<(), ExportError> {
        match self.choice {
            TelemetryChoice::Trace(trace) => {
                self.waiting.push_back((*trace, None));
                self.is_over = true;
            }
            TelemetryChoice::File(name) => {
                let found = self.lineage.nodes(name, None, self.last, PAGE).await?;
                self.is_over = found.len() < PAGE;
                self.last = found.last().map(|(trace, _)| *trace);
                self.waiting.extend(found.into_iter().map(|(trace, node)| (trace, Some(node))));
            }
            TelemetryChoice::Period { from, to } => {
                let filter = TraceFilter { from: *from, to: *to, ..TraceFilter::default() };
                let page = self.lineage.traces(&filter, self.last, PAGE).await?;
                self.last = page.next;
                self.is_over = page.next.is_none();
                self.waiting.extend(page.traces.into_iter().map(|trace| (trace.id, None)));
            }
        }
        Ok(())
    }
}
