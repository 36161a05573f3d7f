//! Redis: one server, several that stand for one, those that sentinels name, or a cluster.
//!
//! **Constraint.** Whoever asks gives the key that the question is about: in a cluster it decides which node is asked.

mod address;
mod client;
mod fault;
mod link;
mod slot;

pub use address::RedisAddress;
pub use client::RedisClient;
pub use fault::judged;
pub use redis::{Cmd, FromRedisValue, Value, cmd, from_redis_value, streams};
pub use slot::in_slot_of;
