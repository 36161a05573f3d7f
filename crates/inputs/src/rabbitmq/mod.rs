//! A queue of RabbitMQ, read with acknowledgements.

mod message;
mod queue;
mod reading;
mod settings;

pub use queue::Queue;
pub use reading::read;
pub use settings::{QueueKind, RabbitInputSettings};
pub use weir_connect::rabbitmq::lapin::message::Delivery;
