//! The logs from outside: each module reads as the description of one behaviour.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[cfg(feature = "kafka")]
mod kafka;
mod support;

mod contract;
mod crash;
mod damage;
mod faults;
mod fixture;
mod retention;
mod rot;
mod small_disk;
mod torn;
