//! Postgres: a bounded number of connections to one server, made anew for as long as they are wanted.
//!
//! **Constraint.** An address is read as libpq reads it, and shown without its password.

mod address;
mod connection;
mod encryption;
mod fault;
mod pool;

pub use address::PostgresAddress;
pub use connection::Connection;
pub use fault::{judged, words};
pub use pool::{Lease, Pool};
