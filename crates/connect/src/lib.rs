//! What sinks, inputs, files and the catalog share of a server: how one connects, by which TLS, and what its errors mean.
//!
//! **Constraint.** No secret is shown: neither in an error nor by any type here. Whoever waits for a server waits for a
//! limited time.

mod address;
mod fault;
pub mod http;
pub mod postgres;
pub mod rabbitmq;
pub mod redis;
pub mod s3;
pub mod tls;
mod wire;

pub use address::Node;
pub use fault::Fault;

/// A setting that cannot be used; says which, why, and what would do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SettingsError(pub String);
