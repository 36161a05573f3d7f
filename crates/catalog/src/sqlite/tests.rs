//! The contract, and what a file on disk adds to it.

use weir_core::testkit::catalog::contract;

use super::SqliteCatalog;

#[tokio::test]
async fn keeps_the_contract() {
    let directory = tempfile::tempdir().unwrap();
    let next = std::cell::Cell::new(0);
    contract(async || {
        next.set(next.get() + 1);
        SqliteCatalog::open(&directory.path().join(format!("{}.db", next.get()))).unwrap()
    })
    .await;
}
