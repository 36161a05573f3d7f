//! Records and traces out of thin air, lineage in memory, and what every store of lineage must do.

mod contract;
mod memory;
mod random;
mod shapes;

pub use contract::{canonical_in, contract, differences};
pub use memory::MemoryLineage;
pub use random::random_records;
pub use shapes::{Shape, record};
