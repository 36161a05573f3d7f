//! The sinks: where events go.
//!
//! **Constraint.** Each implements [`weir_core::sink::Sink`] and knows neither the log nor the catalog nor another
//! sink. What two of them share is here beside them: [`fields`] finds an event's columns in its bytes, [`columns`]
//! those that a person adds.

pub mod blackhole;
pub mod clickhouse;
mod client;
pub mod columns;
mod fields;
pub mod objects;
pub mod opensearch;
pub mod postgres;
mod seen;
pub mod sqlite;
pub mod tls;

/// A setting that cannot be used; says which, why, and what would do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SettingsError(pub String);
