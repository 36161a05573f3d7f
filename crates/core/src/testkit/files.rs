//! Kept files for tests: a catalog in memory, and the contracts of every catalog and of every store of contents.

mod contents;
mod contract;
mod memory;

pub use contents::content_contract;
pub use contract::{catalog_contract, facts, new};
pub use memory::MemoryFiles;
