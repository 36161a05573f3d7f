//! A file that rotted is told as such. Nothing panics, hangs or takes the writing thread along.

use std::path::Path;

use weir_catalog::SqliteCatalog;
use weir_core::catalog::{Catalog, CatalogError, DeadLetterFilter, Plan, Settlement};
use weir_core::event::Offset;
use weir_core::log::Partition;
use weir_core::sink::SinkName;

const PAGE_BYTES: usize = 4_096;

/// Asks for everything, and gives the errors that came of it.
async fn use_fully(path: &Path) -> Vec<CatalogError> {
    let catalog = match SqliteCatalog::open(path) {
        Ok(catalog) => catalog,
        Err(error) => return vec![error],
    };
    let key = weir_core::catalog::AccountKey::main(&SinkName("search".into()), &Partition("node-1".into()));
    let plan = Plan { key: key.clone(), first: Offset(20), end: Offset(25) };
    let settlement = Settlement { plan, delivered: 5, duplicates: 0, filtered: 0, dead: Vec::new() };
    let every = DeadLetterFilter::default();
    let answers = [
        catalog.accounts().await.map(|_| ()),
        catalog.unsettled(&key).await.map(|_| ()),
        catalog.settle(&settlement).await,
        catalog.dead_letters(&every, None, 100).await.map(|_| ()),
        catalog.resending(&key, 100).await.map(|_| ()),
        catalog.resend(&every, None).await.map(|_| ()),
        catalog.delete_dead_letter(3).await.map(|_| ()),
        catalog.forget(&SinkName("search".into()), "").await.map(|_| ()),
    ];
    answers.into_iter().filter_map(Result::err).collect()
}

#[tokio::test]
async fn each_page_may_rot() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/catalog/version-1.db");
    let whole = std::fs::read(fixture).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let mut told = 0;
    for page in 0..whole.len() / PAGE_BYTES {
        let mut rotten = whole.clone();
        rotten[page * PAGE_BYTES..][..PAGE_BYTES].fill(0xA5);
        let path = directory.path().join(format!("{page}.db"));
        std::fs::write(&path, rotten).unwrap();
        let errors = use_fully(&path).await;
        assert!(
            errors.iter().all(|error| matches!(error, CatalogError::Broken(_))),
            "page {page}: {errors:?}"
        );
        assert!(errors.iter().all(|error| !error.to_string().contains("closed")), "page {page}: {errors:?}");
        told += usize::from(!errors.is_empty());
    }
    assert!(told >= 8, "only {told} of the pages were missed");
}

#[tokio::test]
async fn a_file_cut_short_is_told() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/catalog/version-1.db");
    let whole = std::fs::read(fixture).unwrap();
    let directory = tempfile::tempdir().unwrap();
    for pages in 1..whole.len() / PAGE_BYTES - 3 {
        let path = directory.path().join(format!("{pages}.db"));
        std::fs::write(&path, &whole[..pages * PAGE_BYTES]).unwrap();
        let errors = use_fully(&path).await;
        assert!(!errors.is_empty(), "{pages} pages were taken for a catalog");
        assert!(errors.iter().all(|error| matches!(error, CatalogError::Broken(_))), "{pages}: {errors:?}");
    }
}
