//! Brokers that hand out messages one by one, as ways into the log.
//!
//! **Constraint.** A message is acknowledged only after the log has its events, and the dead letters what in it is none. So
//! a kill in between brings it again, with the same ids where it has one.

mod door;
pub mod rabbitmq;
pub mod redis;
mod standing;
#[cfg(test)]
mod testing;

pub use door::{Closed, Door};
pub use standing::Standing;
