//! What tests need: in-memory implementations, wrappers that inject faults, and one contract suite per trait,
//! which every implementation runs.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that panics has said what it has to say")]

pub mod broker;
pub mod catalog;
pub mod files;
pub mod lineage;
pub mod log;
mod record;
pub mod sink;
pub mod world;

pub use record::record;
