//! Lineage beside a plain computation of the same, and pictures of every shape.

mod collapsing;
mod door;
mod drawing;
mod order;
mod plain;
mod walking;

use crate::testkit::lineage::{MemoryLineage, contract};

#[tokio::test]
async fn lineage_in_memory_keeps_the_contract() {
    contract(async || MemoryLineage::new()).await;
}
