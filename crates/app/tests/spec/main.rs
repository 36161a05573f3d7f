//! Weir from outside: each module drives the real binary and reads as the description of one behaviour.

// A test may end by panicking, and what it prints is read where it failed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod harness;

mod accounting;
mod broker_inputs;
mod clickhouse;
mod export_command;
mod export_everything;
mod exported_files;
mod exports;
mod files;
mod files_bucket;
mod files_command;
mod full_disk;
mod full_store;
mod grpc;
mod https;
mod isolation;
#[cfg(feature = "kafka")]
mod kafka;
#[cfg(feature = "kafka")]
mod kafka_loader;
mod keys;
mod kill;
mod large_files;
mod lineage;
mod lineage_postgres;
mod lock;
mod objects;
mod opensearch;
mod originals;
mod overload;
mod postgres;
mod rabbitmq;
mod redis;
mod replay;
mod restart;
mod roles;
mod routing;
mod shutdown;
mod sinks_command;
mod store;
mod telemetry_inputs;
mod thin;
mod tidy;
mod uploads;
#[cfg(feature = "kafka")]
mod whole_way;
