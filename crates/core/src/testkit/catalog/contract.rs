//! What every catalog must do, one behaviour a function. Tests run [`contract`] against each implementation.
#![allow(clippy::unwrap_used, clippy::expect_used)] // A panic is how a test fails.

mod accounts;
mod claims;
mod content;
mod letters;
mod places;
mod plans;
mod resending;

use crate::catalog::Catalog;

/// Runs every behaviour, each with an empty catalog of its own from `open`.
pub async fn contract<C: Catalog, F: AsyncFn() -> C>(open: F) {
    accounts::all(&open).await;
    claims::all(&open).await;
    plans::all(&open).await;
    places::all(&open).await;
    letters::all(&open).await;
    resending::all(&open).await;
    content::all(&open).await;
}
