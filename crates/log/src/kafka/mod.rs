//! Kafka's partitions, read as a log: those that a consumer group assigns to this instance.
//!
//! **Constraints.** The group's member takes part in assignments and commits, and reads nothing. Clients that read are told
//! where; each sink is at its own place, so a partition is read at several, most of them out of one window. What is in
//! memory is limited, whatever is behind. An assignment has a number, and who shows an old one commits nothing.

mod commit;
mod group;
mod health;
mod log;
mod member;
mod passed;
mod reader;
mod reading;
mod settings;
mod window;

pub use commit::GroupCommitter;
pub use health::{InputStatus, PartitionStatus};
pub use log::KafkaLog;
pub use member::{Change, Membership, Seat};
pub use settings::KafkaSettings;
pub use weir_kafka::{Connection, TlsFiles};
