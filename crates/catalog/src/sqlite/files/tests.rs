//! The contract, and what only SQLite has.

use std::sync::Arc;

use weir_core::row_id::RowIds;
use weir_core::testkit::files;
use weir_core::testkit::world::TestClock;

use super::*;

#[tokio::test]
async fn contract() {
    files::catalog_contract(async || {
        let directory = tempfile::tempdir().unwrap();
        let opened = SqliteFiles::open(&directory.path().join("files.db"), row_ids()).unwrap();
        // The folder stays as long as the catalog does.
        std::mem::forget(directory);
        opened
    })
    .await;
}

fn row_ids() -> Arc<RowIds> {
    Arc::new(RowIds::new(Arc::new(TestClock::start()), 1))
}

#[tokio::test]
async fn what_is_written_outlives_a_restart_with_a_clock_that_was_set_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("files.db");
    let first = SqliteFiles::open(&path, row_ids()).unwrap();
    let one = files::new(&first, files::facts("file:a", 1)).await;
    first.close().await;
    let second = SqliteFiles::open(&path, row_ids()).unwrap();
    assert_eq!(second.find("file:a").await.unwrap(), Some(one.clone()));
    let two = files::new(&second, files::facts("file:b", 2)).await;
    assert!(two.id > one.id);
}

/// `fixtures/files` has a list of each former version: with `file:a`, whose content lies elsewhere.
#[tokio::test]
async fn a_list_of_version_1_is_read_and_gone_on_with() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("files.db");
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/files/version-1.db");
    std::fs::copy(fixture, &path).unwrap();
    let list = SqliteFiles::open(&path, row_ids()).unwrap();
    let known = list.find("file:a").await.unwrap().unwrap();
    assert_eq!((known.id, &known.facts), (5, &files::facts("file:a", 1)));
    assert_eq!(list.contents(None, 10).await.unwrap(), [known.content()]);
    let small = ContentRef { hash: ContentHash([2; 32]), id: 1 };
    let offer = Offer::Inline(small, Bytes::from_static(b"packed"));
    list.add(files::facts("file:b", 2), offer).await.unwrap().unwrap();
    assert_eq!(list.inline(small).await.unwrap().as_deref(), Some(&b"packed"[..]));
    assert_eq!(list.inline(known.content()).await.unwrap(), None);
}
