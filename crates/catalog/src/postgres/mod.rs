//! What is kept in a Postgres database.
//!
//! **Constraints.** The server may be away at any moment, for however long: what is asked of it is told to ask again, and
//! the next time connects anew. Other programs, and other instances of this one, may work in the same database.

mod fault;
mod lineage;

pub use lineage::PostgresLineage;
