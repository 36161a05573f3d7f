//! The contract, the account under random requests, and disks and locks that are in the way.

use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use tempfile::TempDir;
use weir_core::catalog::{
    AccountKey, Catalog, CatalogError, DeadLetter, DeadLetterFilter, Opening, Plan, Settlement,
};
use weir_core::event::{Offset, Stream};
use weir_core::log::Partition;
use weir_core::sink::SinkName;
use weir_core::testkit::catalog::{CatalogFaults, FaultyCatalog, Step, contract, hold_the_account};
use weir_core::time::Timestamp;

use super::SqliteCatalog;
use super::connection::Place;

const DETAIL_LARGE_BYTES: usize = 200_000;

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

fn new_catalog() -> (TempDir, SqliteCatalog) {
    let directory = tempfile::tempdir().unwrap();
    let catalog = SqliteCatalog::open(&directory.path().join("catalog.db")).unwrap();
    (directory, catalog)
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn the_account_holds_whatever_is_asked(numbers in prop::collection::vec(any::<u64>(), 1..60)) {
        let (_directory, catalog) = new_catalog();
        let steps: Vec<_> = numbers.into_iter().map(Step::of).collect();
        block_on(hold_the_account(&catalog, &steps));
    }

    #[test]
    fn the_account_holds_when_answers_are_lost(
        numbers in prop::collection::vec(any::<u64>(), 1..30), seed: u64,
    ) {
        let faults = CatalogFaults { failing_percent: 20, lying_percent: 30, ..CatalogFaults::default() };
        let (_directory, catalog) = new_catalog();
        let steps: Vec<_> = numbers.into_iter().map(Step::of).collect();
        block_on(hold_the_account(&FaultyCatalog::new(catalog, faults, seed), &steps));
    }
}

fn key() -> AccountKey {
    AccountKey::main(&SinkName("a".into()), &Partition("node-1".into()))
}

fn plan(first: u64) -> Plan {
    Plan { key: key(), first: Offset(first), end: Offset(first + 1) }
}

fn refused_with_large_detail(plan: Plan) -> Settlement {
    let at = Timestamp::from_micros(0);
    let letter = DeadLetter {
        id: plan.first.0.cast_signed(),
        key: key(),
        count: 1,
        stream: Stream::new("events").unwrap(),
        record: None,
        source: None,
        reason: "large".to_owned(),
        detail: "x".repeat(DETAIL_LARGE_BYTES),
        attempts: 1,
        first_at: at,
        last_at: at,
    };
    Settlement { plan, delivered: 0, duplicates: 0, filtered: 0, dead: vec![letter] }
}

async fn with_plans(place: Place, plans: u64) -> SqliteCatalog {
    let catalog = SqliteCatalog::open_at(place).unwrap();
    catalog.open_account(&key(), &Opening::default()).await.unwrap();
    catalog.plan(&(0..plans).map(plan).collect::<Vec<_>>()).await.unwrap();
    catalog
}

fn place(directory: &Path) -> Place {
    Place::new(&directory.join("catalog.db")).unwrap()
}

#[tokio::test]
async fn a_full_disk_is_told_and_work_goes_on_when_there_is_room() {
    let directory = tempfile::tempdir().unwrap();
    let small = Place { pages_max: Some(400), ..place(directory.path()) };
    let catalog = with_plans(small, 100).await;
    let mut settled = 0;
    let error = loop {
        match catalog.settle(&refused_with_large_detail(plan(settled))).await {
            Ok(()) => settled += 1,
            Err(error) => break error,
        }
    };
    assert!(settled > 0);
    assert!(matches!(error, CatalogError::Retry(_)), "{error:?}");
    assert!(error.to_string().contains("disk"), "{error}");
    let account = &catalog.accounts().await.unwrap()[0];
    assert_eq!(account.dead, settled);
    assert_eq!(catalog.unsettled(&key()).await.unwrap().len() as u64, 100 - settled);

    assert!(catalog.delete_dead_letter(0).await.unwrap());
    catalog.settle(&refused_with_large_detail(plan(settled))).await.unwrap();
    assert_eq!(catalog.accounts().await.unwrap()[0].dead, settled + 1);
}

#[tokio::test]
async fn a_lock_held_by_another_is_waited_for_and_told() {
    let directory = tempfile::tempdir().unwrap();
    let hurried = Place { busy_timeout: Duration::from_millis(1), ..place(directory.path()) };
    let catalog = with_plans(hurried.clone(), 2).await;
    let other = rusqlite::Connection::open(&hurried.path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let settlement = Settlement { delivered: 1, dead: Vec::new(), ..refused_with_large_detail(plan(0)) };
    let answer = catalog.settle(&settlement).await;
    assert!(matches!(answer, Err(CatalogError::Retry(_))), "{answer:?}");
    assert_eq!(catalog.accounts().await.unwrap()[0].delivered, 0);
    other.execute_batch("ROLLBACK").unwrap();
    catalog.settle(&settlement).await.unwrap();
    assert_eq!(catalog.accounts().await.unwrap()[0].delivered, 1);
}

#[tokio::test]
async fn room_that_is_not_used_any_more_is_given_back() {
    let directory = tempfile::tempdir().unwrap();
    let catalog = with_plans(place(directory.path()), 60).await;
    for number in 0..60 {
        catalog.settle(&refused_with_large_detail(plan(number))).await.unwrap();
    }
    for id in 0..60 {
        assert!(catalog.delete_dead_letter(id).await.unwrap());
    }
    catalog.close().await;
    let most = 60 * DETAIL_LARGE_BYTES as u64;
    assert!(catalog.size_bytes() < most * 9 / 10, "{} of {most} bytes are left", catalog.size_bytes());
}

#[test]
fn each_filter_finds_its_letters_by_an_index() {
    let (_directory, catalog) = new_catalog();
    let connection = catalog.place.connect_to_read().unwrap();
    let text = || Some("x".to_owned());
    let at = |micros| Some(Timestamp::from_micros(micros));
    let none = DeadLetterFilter::default;
    let filters = [
        DeadLetterFilter { sink: text(), ..none() },
        DeadLetterFilter { stream: text(), ..none() },
        DeadLetterFilter { reason: text(), ..none() },
        DeadLetterFilter { from: at(1), to: at(2), ..none() },
    ];
    for filter in filters {
        let steps = super::letters::explain(&connection, &filter).unwrap();
        assert!(
            steps.iter().any(|step| step.contains("USING INDEX dead_letters_by_")),
            "{filter:?}: {steps:?}"
        );
    }
}
