//! The sinks from outside: each module is one store, with its contract and what is its own.

#![allow(clippy::unwrap_used, reason = "a test tells by panicking")]

mod clickhouse;
mod http;
mod objects;
mod opensearch;
mod postgres;
mod service;
mod sqlite;
