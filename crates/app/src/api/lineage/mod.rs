//! What became of files: the questions about traces and their nodes.
//!
//! **Constraint.** A picture holds a whole trace in memory and takes a while to lay out: it is made on a thread that may
//! block, and few are made at once. What is not shown is told, with how to ask for it.

mod begin;
mod edge_form;
mod finding;
mod graph;
mod journey;
mod logs;
mod node_form;
mod nodes;
mod record_schema;
mod text;
mod trace_form;
mod traces;
mod truncation;
mod why;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use weir_core::lineage::{LineageError, LineageStore};
use weir_core::time::Timestamp;

use super::answer::{Answer, of_type};
use super::bits::{self, Bits};
use super::entry::Api;
use super::problem::Problem;

pub use begin::{__path_begin, begin};
pub use graph::{__path_graph, graph};
pub use journey::{__path_journey, journey};
pub use logs::{__path_logs, logs};
pub use nodes::{__path_downstream, __path_upstream, downstream, upstream};
pub use record_schema::TelemetryBodies;
pub use traces::{__path_list, __path_show, list, show};
pub use why::{__path_why, why};

/// As many nodes as one answer shows.
const NODES_MAX: usize = 100_000;
/// As many pictures as are made at once.
const PICTURES_MAX: usize = 4;
/// More bits than the largest has.
const PICTURE_MAX_BITS: usize = 16_384;
const STORE_RETRY_AFTER: Duration = Duration::from_secs(1);

/// What the API knows of lineage.
pub struct Lineage {
    store: Arc<dyn LineageStore>,
    quiet_after: Duration,
    pictures: Arc<Semaphore>,
}

impl Lineage {
    /// Over this store; a trace whose last record is older than `quiet_after` is quiet.
    pub fn new(store: Arc<dyn LineageStore>, quiet_after: Duration) -> Self {
        Self { store, quiet_after, pictures: Arc::new(Semaphore::new(PICTURES_MAX)) }
    }

    pub(super) fn of(api: &Api) -> Result<&Self, Problem> {
        let off = || Problem::not_found("lineage is turned off; lineage.enabled = true turns it on");
        api.surroundings.lineage.as_ref().ok_or_else(off)
    }

    /// A trace whose last record is older is quiet.
    fn quiet_before(&self, now: Timestamp) -> Timestamp {
        let quiet_after = i64::try_from(self.quiet_after.as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(now.as_micros().saturating_sub(quiet_after))
    }

    /// Waits for a turn at making a picture.
    async fn turn(&self) -> Result<OwnedSemaphorePermit, Problem> {
        self.pictures.clone().acquire_owned().await.map_err(|error| Problem::internal(&error))
    }
}

/// Works with a thread's time of its own; the turn ends with the work, whether or not anybody still waits for it.
async fn work<T: Send + 'static>(
    turn: OwnedSemaphorePermit,
    make: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    let working = tokio::task::spawn_blocking(move || {
        let made = make();
        drop(turn);
        made
    });
    working.await.map_err(|error| Problem::internal(&error))
}

/// JSON that is sent while it is written. The turn ends with the writing: what a slow reader has not read waits in memory, as
/// a picture that is whole would.
async fn written(
    turn: OwnedSemaphorePermit,
    write: impl FnOnce(&mut Bits) -> io::Result<()> + Send + 'static,
) -> Answer {
    let write = move |to: &mut Bits| {
        let _turn = turn;
        write(to)
    };
    let mut answer = of_type(StatusCode::OK, "application/json", Bytes::new());
    *answer.body_mut() = bits::written(PICTURE_MAX_BITS, write).await?;
    Ok(answer)
}

fn store_problem(error: &LineageError) -> Problem {
    match error {
        LineageError::Retry(_) => Problem::unavailable("lineage", error.to_string(), STORE_RETRY_AFTER),
        LineageError::Broken(_) => Problem::internal(error),
    }
}
