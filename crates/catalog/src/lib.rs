//! The catalog and lineage in a database: one schema, one contract suite, a driver for each database.
//!
//! **Constraints.** What a row holds is versioned and its own type, never a serialised type of the core. Names,
//! types and meanings of tables and columns are the same in every driver; what drivers share stands beside them
//! ([`origin`], [`source`], [`rows`], [`lineage`]), not in one of them.

mod fault;
mod lineage;
mod origin;
pub mod postgres;
mod rows;
mod source;
pub mod sqlite;

pub use postgres::PostgresLineage;
pub use sqlite::{SqliteCatalog, SqliteFiles, SqliteLineage};
