//! Weir from outside: each module drives the real binary and reads as the description of one behaviour.

// A test may end by panicking, and what it prints is read where it failed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod harness;

mod accounting;
mod clickhouse;
mod full_disk;
mod full_store;
mod https;
mod isolation;
mod keys;
mod kill;
mod lock;
mod objects;
mod opensearch;
mod originals;
mod overload;
mod postgres;
mod replay;
mod restart;
mod routing;
mod shutdown;
mod sinks_command;
mod thin;
mod tidy;
