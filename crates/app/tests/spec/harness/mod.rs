//! Drives the real binary, and the real servers around it, from outside.
//!
//! Every wait has a limit, every load is bounded in count and time, and whatever was started is ended by its own
//! process id when the test is over.

mod answer;
mod clickhouse;
mod grpc;
#[cfg(feature = "kafka")]
mod kafka;
mod load;
mod machine;
mod message;
mod metrics;
mod minio;
mod mute;
mod noise;
mod objects;
mod opensearch;
mod postgres;
mod process;
mod proxy;
mod rabbitmq;
mod redis;
/// Shared with the sinks' own tests.
#[path = "../../../../sinks/tests/spec/service.rs"]
mod service;
mod setup;
mod slow_store;
#[cfg(feature = "kafka")]
mod topics;
mod weir;

pub use answer::{Answer, Client};
pub use clickhouse::ClickHouse;
pub use grpc::GrpcClient;
#[cfg(feature = "kafka")]
pub use kafka::{Kafka, Message};
#[cfg(feature = "kafka")]
pub use load::Order;
pub use load::{Load, Running, Sent};
pub use machine::Tmpfs;
pub use metrics::{Account, Metrics};
pub use minio::Minio;
pub use mute::Mute;
pub use noise::noise;
pub use objects::{files, lines, paths};
pub use opensearch::OpenSearch;
pub use postgres::Postgres;
pub use process::Process;
pub use proxy::{Fault, FaultProxy};
pub use rabbitmq::RabbitMq;
pub use redis::Redis;
pub use service::{free_port, skipped};
pub use setup::Setup;
pub use slow_store::SlowStore;
#[cfg(feature = "kafka")]
pub use topics::Topics;
pub use weir::Weir;

use std::thread::sleep;
use std::time::{Duration, Instant};

/// Waits until `done` says so; fails, naming `what`, when that takes longer than `limit`.
#[track_caller]
pub fn until(limit: Duration, what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + limit;
    while !done() {
        assert!(Instant::now() < deadline, "waited {limit:?} in vain: {what}");
        sleep(Duration::from_millis(20));
    }
}

/// `10` by default; from the environment where somebody wants more, or fewer.
pub fn from_environment(name: &str, default: usize) -> usize {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}
