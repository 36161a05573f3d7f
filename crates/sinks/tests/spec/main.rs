//! The sinks from outside: each module is one store, with its contract and what is its own.

#![allow(clippy::unwrap_used, reason = "a test tells by panicking")]

mod authority;
mod brokers;
mod clickhouse;
mod http;
#[cfg(feature = "kafka")]
mod kafka;
mod lines;
mod objects;
mod opensearch;
mod postgres;
mod rabbitmq;
mod redis;
mod service;
mod sqlite;
