//! What both ways through Kafka share: how one connects, how librdkafka is set, and what it says.
//!
//! **Constraint.** No secret is shown: not by [`Connection`], not in an error, not in a line of librdkafka's log.

mod connection;
mod events;
#[cfg(feature = "tls")]
mod token;

pub use connection::{Connection, Pinned, SettingError, TlsFiles};
pub use events::{Events, Trouble};
pub use rdkafka;
