//! Redis Streams, read as a member of a consumer group.

mod entry;
mod group;
mod message;
mod reading;
mod settings;
mod trim;

pub use entry::{Entry, Found};
pub use group::Group;
pub use reading::read;
pub use settings::RedisInputSettings;
