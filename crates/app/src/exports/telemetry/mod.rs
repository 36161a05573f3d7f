//! Records of telemetry, one a line.
//!
//! **Constraints.** Records stand as they were sent, trace by trace, those of a trace by moment and then in the order of
//! their members, which hangs on them alone. No more of them is in memory than a page and the records of one moment.

mod reading;
mod selection;
mod traces;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use weir_core::lineage::LineageStore;
use weir_core::time::Timestamp;

use super::contents::{Filled, Growing, Order, Place};
use super::error::{ExportError, unwritten};
use super::line_part::LinePart;
use reading::{Batch, Reading};
use traces::{Found, Traces};

/// Which records are meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TelemetryChoice {
    /// All of a trace.
    Trace(i64),
    /// All of everything up- and downstream of a node of this name, in every trace that has it.
    File(Box<str>),
    /// All of a period, by the moment when they happened.
    Period {
        /// The first moment.
        from: Option<Timestamp>,
        /// The first moment that is not meant any more.
        to: Option<Timestamp>,
    },
}

/// Where to go on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TelemetryPlace {
    /// In this trace,
    trace: i64,
    /// from this place of the store's on,
    from: Option<Vec<u8>>,
    /// after this record, where it is not the first there.
    after: Option<String>,
}

/// Where records come from.
pub struct Telemetry {
    lineage: Arc<dyn LineageStore>,
    stop: CancellationToken,
}

impl Telemetry {
    /// From this store, until the program is to end.
    pub fn new(lineage: Arc<dyn LineageStore>, stop: CancellationToken) -> Self {
        Self { lineage, stop }
    }

    /// Fills one part. On a thread that may wait.
    pub fn fill(
        &self,
        choice: &TelemetryChoice,
        growing: &Growing<'_>,
        from: Option<TelemetryPlace>,
    ) -> Result<Option<Filled>, ExportError> {
        let Order { coding, part_max_bytes, .. } = *growing.order;
        let part = LinePart::new((growing.grow)()?, coding, part_max_bytes);
        let mut part = part.map_err(|error| unwritten(&error))?;
        let filling = self.fill_lines(choice, &mut part, from);
        let then = Handle::current().block_on(filling)?;
        if part.lines() == 0 {
            return Ok(None);
        }
        let part = part.finish().map_err(|error| unwritten(&error))?;
        let name = format!("telemetry-{:06}.ndjson.{}", growing.number, coding.ending());
        Ok(Some(Filled { part, name, then: then.map(Place::Telemetry) }))
    }

    /// Where the next part begins; nothing where there is none.
    async fn fill_lines(
        &self,
        choice: &TelemetryChoice,
        part: &mut LinePart,
        from: Option<TelemetryPlace>,
    ) -> Result<Option<TelemetryPlace>, ExportError> {
        let mut traces = Traces::new(&*self.lineage, choice, from.as_ref().map(|place| place.trace));
        let mut from = from;
        while let Some(found) = traces.next().await? {
            let start = from.take().filter(|place| place.trace == found.trace);
            if let Some(place) = self.fill_trace(&found, part, start).await? {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    async fn fill_trace(
        &self,
        found: &Found,
        part: &mut LinePart,
        start: Option<TelemetryPlace>,
    ) -> Result<Option<TelemetryPlace>, ExportError> {
        let trace = found.trace;
        let mut reading = Reading::new(&*self.lineage, found, start)?;
        while let Some(Batch { records, from }) = reading.next().await? {
            if self.stop.is_cancelled() {
                return Err(ExportError::Retry("the program ends; ask again".to_owned()));
            }
            let mut after = None;
            for record in records {
                let line = record.to_json();
                if !part.push(&line).map_err(|error| unwritten(&error))? {
                    return Ok(Some(TelemetryPlace { trace, from, after }));
                }
                after = Some(line);
            }
        }
        Ok(None)
    }
}
