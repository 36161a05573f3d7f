//! What a driver keeps beside blocks: traces, the ways to them, and the way from a name's number to the name.
//!
//! **Constraint.** Everything that is asked through one value is seen at one moment, and what was put is seen at once.

use super::row::TraceRow;
use super::shelf::Blocks;

/// Names of one trace that were given numbers together: mostly one after the other, in what older versions wrote not always.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GivenNames {
    /// The first one's number among all.
    pub first_id: i64,
    /// The trace.
    pub trace: i64,
    /// The first one's number within the trace; the others follow it.
    pub first_number: u32,
}

/// Sorted runs of keys' digests, and the traces that have these keys; see [`super::key_runs`].
pub trait Runs: Blocks {
    /// The runs' numbers, and how many entries each has, the smallest first.
    fn runs(&mut self) -> Result<Vec<(i64, u32)>, Self::Error>;

    /// Of every run, the rows in which entries of this digest may lie.
    fn rows_of_digest(&mut self, digest: i64) -> Result<Vec<Vec<u8>>, Self::Error>;

    /// All rows of a run, in order.
    fn rows_of_run(&mut self, run: i64) -> Result<Vec<Vec<u8>>, Self::Error>;

    /// Keeps a new run of so many entries: rows, each under its lowest digest.
    fn add_run(&mut self, rows: Vec<(i64, Vec<u8>)>, entries: u32) -> Result<(), Self::Error>;

    /// Forgets a run.
    fn remove_run(&mut self, run: i64) -> Result<(), Self::Error>;
}

/// A driver's tables.
pub trait Tables: Runs {
    /// The trace of this number.
    fn trace_of_id(&mut self, id: i64) -> Result<Option<TraceRow>, Self::Error>;

    /// The trace of this key.
    fn trace_of_key(&mut self, key: &str) -> Result<Option<TraceRow>, Self::Error>;

    /// Traces with numbers below `before`, of this user or of all, by falling number, at most `limit`.
    fn traces_below(
        &mut self,
        before: i64,
        user: Option<&str>,
        limit: usize,
    ) -> Result<Vec<TraceRow>, Self::Error>;

    /// Keeps a trace under its key, which has none yet. Its other facts come with [`Tables::put_trace`].
    fn begin_trace(&mut self, row: &TraceRow) -> Result<(), Self::Error>;

    /// Keeps a trace's row in place of the one that was there.
    fn put_trace(&mut self, row: TraceRow) -> Result<(), Self::Error>;

    /// The names whose first number is the greatest that is not above `id`.
    fn names_given(&mut self, id: i64) -> Result<Option<GivenNames>, Self::Error>;

    /// Keeps the way to names that were given numbers.
    fn put_names_given(&mut self, names: GivenNames) -> Result<(), Self::Error>;
}
