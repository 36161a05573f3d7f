//! The sinks: where events go.
//!
//! **Constraint.** Each implements [`weir_core::sink::Sink`] and knows neither the log nor the catalog nor another
//! sink. What two of them share is here beside them: [`fields`] finds an event's columns in its bytes, [`columns`]
//! those that a person adds.

pub mod blackhole;
pub mod brokers;
pub mod clickhouse;
mod client;
pub mod columns;
mod fields;
#[cfg(feature = "kafka")]
pub mod kafka;
pub mod lineage;
pub mod objects;
pub mod opensearch;
pub mod postgres;
pub mod rabbitmq;
pub mod redis;
mod seen;
pub mod sqlite;

pub use weir_connect::{SettingsError, tls};
