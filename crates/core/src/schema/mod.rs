//! The event registry: Protobuf messages, known at run time, between JSON and the wire.
//!
//! **Constraints.** Nothing here reads a file: a [`Registry`] is made of files that were compiled elsewhere. Nothing a
//! client says is lost in silence: what the schema does not know is a fault with its path. Both ways are deterministic:
//! the same message makes the same bytes and the same text, and JSON → wire → JSON is stable.
//!
//! An **event type** is a message with a field `context` ([`EventType`]). In the log, an event of `/store` is the JSON
//! of its message with [`EVENT_NAME`] as one more member ([`envelope`] makes it, [`Registry::wire_of_logged`] reads it).
//! [`compat`] tells what a new version of the files breaks.

pub mod compat;
mod current;
pub mod envelope;
mod event_type;
mod fault;
mod json;
mod message_type;
mod moment;
mod outline;
mod read;
mod registry;
mod well_known;
mod wire;
mod write;

pub use current::CurrentRegistry;
pub use event_type::EventType;
pub use fault::{FAULTS_MAX, MemberFault};
pub use json::VALUES_MAX;
pub use message_type::MessageType;
pub use outline::FieldOutline;
pub use registry::{NameError, Registry, event_name};
pub use wire::MESSAGE_MAX_BYTES;

pub(crate) use moment::write_timestamp;

/// The stream of the events of `/store`.
pub const STORE: &str = "store";

/// The member that tells of which type an event in the log is.
pub const EVENT_NAME: &str = "event_name";

#[cfg(test)]
pub(crate) mod tests;
