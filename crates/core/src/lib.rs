//! What Weir means: events, the log's and the sinks' contracts, batching, delivery, accounting.
//!
//! **Constraint.** This crate opens no file and no socket and reads no clock; time, randomness and I/O come in
//! through the traits in [`world`], [`log`], [`sink`] and [`catalog`]. That is what lets a seed replay a run.
//!
//! The way of an event: [`formats`] finds the events in a body, [`intake`] checks and names them and appends them
//! to the [`log`]; [`delivery`] reads the log, leaves out what [`routing`] says, fixes batches, hands them to a [`sink`]
//! and settles them in the [`catalog`], or, where a broker has the events, in its commit, by [`progress`]; [`ledger`] keeps
//! the account: accepted = delivered + dead + filtered + pending. [`selection`] finds in an event what settings name; [`line`]
//! writes it with all that is known of it, [`transit`] brings it through a broker, and [`message`] finds events in what
//! anybody has sent there. [`lineage`] is what records of telemetry say became of files, [`files`] those
//! that are kept.

pub mod catalog;
pub mod delivery;
pub mod event;
pub mod files;
pub mod formats;
pub mod intake;
pub mod ledger;
pub mod line;
pub mod lineage;
pub mod log;
pub mod message;
pub mod observe;
pub mod pieces;
pub mod progress;
pub mod routing;
pub mod row_id;
pub mod schema;
pub mod selection;
pub mod sink;
pub mod streams;
pub mod time;
pub mod transit;
pub mod world;

#[cfg(feature = "testkit")]
pub mod testkit;
