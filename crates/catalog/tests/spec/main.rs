//! The catalog in its file: each module reads as the description of one behaviour.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod damage;
mod persistence;
mod versions;
