//! The catalog in a database: one schema, one contract suite, a driver for each database.
//!
//! **Constraints.** What a row holds is versioned and its own type, never a serialised type of the core. Names,
//! types and meanings of tables and columns are the same in every driver; what drivers share stands beside them
//! ([`origin`], [`source`], [`rows`]), not in one of them.

mod origin;
mod rows;
mod source;
pub mod sqlite;

pub use sqlite::SqliteCatalog;
