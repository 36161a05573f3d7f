//! What is kept, in its file or its server: each module reads as the description of one behaviour.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

/// Shared with the sinks' own tests.
#[path = "../../../sinks/tests/spec/authority.rs"]
mod authority;
mod damage;
mod persistence;
mod postgres;
/// Shared with the sinks' own tests.
#[path = "../../../sinks/tests/spec/service.rs"]
#[allow(dead_code, unexpected_cfgs, reason = "others need more of it")]
mod service;
mod versions;
