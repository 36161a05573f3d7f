//! What every store of lineage must do, one behaviour a function. Tests run [`contract`] against each implementation.
#![allow(clippy::unwrap_used, clippy::expect_used)] // A panic is how a test fails.

mod comparing;
mod joining;
mod naming;
mod reading;
mod walking;

pub use comparing::{canonical_in, differences};

use crate::lineage::LineageStore;

/// Runs every behaviour, each with an empty store of its own from `open`.
pub async fn contract<S: LineageStore, F: AsyncFn() -> S>(open: F) {
    joining::all(&open).await;
    naming::all(&open).await;
    walking::all(&open).await;
    reading::all(&open).await;
}
