//! RabbitMQ: connections, by AMQP 0-9-1.
//!
//! **Constraint.** A [`RabbitLink`] that is dropped is cut, whatever its server does: nothing waits for it any more.

mod address;
mod fault;
mod link;
mod reactor;

pub use address::RabbitAddress;
pub use fault::judged;
pub use lapin;
pub use link::RabbitLink;
