//! Logs: where events are from before they are acknowledged until every sink has settled them.
//!
//! [`segment`] is the embedded one, files in a folder, and what `weir` uses unless told otherwise. `kafka` (a feature) reads
//! what others keep, for as long as they do.

#[cfg(feature = "kafka")]
pub mod kafka;
pub mod segment;

pub use segment::SegmentLog;
