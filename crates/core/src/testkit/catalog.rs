//! A catalog in memory, one that fails and lies, and the suite that every catalog must pass.
//!
//! What the suite holds beyond the words of the trait: a plan or settlement that contradicts what is stored is
//! [`Broken`](crate::catalog::CatalogError::Broken), as is one of an account that is not there; a letter on its way
//! to its sink can be looked at by number but not deleted; a letter refused again is known from a repeat of the
//! same answer by its `attempts`, which must have risen; a letter whose account was forgotten stays readable but
//! is not sent again.

mod contract;
mod faulty;
mod memory;
mod model;
mod samples;

pub use contract::contract;
pub use faulty::{CatalogFaults, FaultyCatalog};
pub use memory::MemoryCatalog;
pub use model::{Step, hold_the_account};
