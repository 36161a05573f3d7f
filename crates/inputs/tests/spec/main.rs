//! The inputs from outside, against real servers.

#![allow(clippy::unwrap_used, reason = "a test tells by panicking")]

mod rabbitmq;
mod redis;
/// Shared with the sinks' tests.
#[allow(dead_code, unexpected_cfgs, reason = "each of those who share it needs another part")]
#[path = "../../../sinks/tests/spec/service.rs"]
mod service;
