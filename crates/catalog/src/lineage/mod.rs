//! Lineage as sets of blocks: what every driver that keeps blocks shares.
//!
//! **Constraints.** Nothing here knows a database: blocks are read and written through [`shelf::Blocks`], what is beside
//! them through [`tables::Tables`]. What records
//! mean is the core's; here it is only written down, in few bytes, and found again. Forms on disk are versioned with the
//! tables of the driver, and each block by itself.

mod attr_name;
mod block;
pub mod bytes;
mod database_item;
mod digest_item;
mod edge_item;
mod joining;
pub mod key_runs;
mod name_item;
mod names;
pub mod questions;
mod reading;
mod record_body;
mod record_item;
pub mod row;
mod sequence_item;
pub mod shelf;
pub mod tables;
#[cfg(test)]
mod tests;
pub mod writing;

pub use self::bytes::Damaged;
pub use digest_item::digest;
