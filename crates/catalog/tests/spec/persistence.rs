//! What was acknowledged is in the file, whoever opens it and however the last one ended.

use std::path::Path;

use futures::FutureExt;
use futures::future::{join, join_all};
use rusqlite::Connection;
use weir_catalog::SqliteCatalog;
use weir_core::catalog::{AccountKey, Catalog, CatalogError, Opening, Plan, Settlement};
use weir_core::event::Offset;
use weir_core::log::Partition;
use weir_core::sink::SinkName;

const BATCH_EVENTS: u64 = 10;

fn key(sink: &str) -> AccountKey {
    AccountKey::main(&SinkName(sink.into()), &Partition("node-1".into()))
}

fn plan(number: u64) -> Plan {
    let first = number * BATCH_EVENTS;
    Plan { key: key("a"), first: Offset(first), end: Offset(first + BATCH_EVENTS) }
}

fn delivered(plan: Plan) -> Settlement {
    Settlement { plan, delivered: BATCH_EVENTS, duplicates: 0, filtered: 0, dead: Vec::new() }
}

async fn plan_and_settle(catalog: &SqliteCatalog, planned: u64, settled: u64) {
    catalog.open_account(&key("a"), &Opening::default()).await.unwrap();
    let plans: Vec<_> = (0..planned).map(plan).collect();
    catalog.plan(&plans).await.unwrap();
    let settlements: Vec<_> = plans.into_iter().take(settled as usize).map(delivered).collect();
    for answer in join_all(settlements.iter().map(|settlement| catalog.settle(settlement))).await {
        answer.unwrap();
    }
}

async fn assert_holds(catalog: &SqliteCatalog, planned: u64, settled: u64) {
    let account = catalog.accounts().await.unwrap().remove(0);
    assert_eq!(account.planned, Offset(planned * BATCH_EVENTS));
    assert_eq!(account.delivered, settled * BATCH_EVENTS);
    let unsettled = catalog.unsettled(&key("a")).await.unwrap();
    assert_eq!(unsettled, (settled..planned).map(plan).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_catalog_dropped_without_being_closed_has_all_that_was_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("catalog.db");
    let catalog = SqliteCatalog::open(&path).unwrap();
    plan_and_settle(&catalog, 50, 30).await;
    drop(catalog);
    assert_holds(&SqliteCatalog::open(&path).unwrap(), 50, 30).await;
}

/// The files as a process leaves them that is killed: the write-ahead log not taken in, nothing closed.
#[tokio::test]
async fn a_killed_process_leaves_all_that_was_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("catalog.db");
    let catalog = SqliteCatalog::open(&path).unwrap();
    plan_and_settle(&catalog, 50, 30).await;
    let after = directory.path().join("after.db");
    std::fs::copy(&path, &after).unwrap();
    std::fs::copy(directory.path().join("catalog.db-wal"), directory.path().join("after.db-wal")).unwrap();
    assert_holds(&SqliteCatalog::open(&after).unwrap(), 50, 30).await;
}

#[tokio::test]
async fn closing_writes_what_waits_and_leaves_one_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("catalog.db");
    let catalog = SqliteCatalog::open(&path).unwrap();
    plan_and_settle(&catalog, 8, 0).await;
    let settlements: Vec<_> = (0..8).map(plan).map(delivered).collect();
    let settle_all = join_all(settlements.iter().map(|settlement| catalog.settle(settlement)));
    // Polled in this order: all are handed in before the catalog is closed.
    let (answers, ()) = join(settle_all, catalog.close()).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let names: Vec<_> =
        std::fs::read_dir(directory.path()).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(names, ["catalog.db"]);
    assert_holds(&SqliteCatalog::open(&path).unwrap(), 8, 8).await;
}

#[tokio::test]
async fn a_closed_catalog_refuses() {
    let directory = tempfile::tempdir().unwrap();
    let catalog = SqliteCatalog::open(&directory.path().join("catalog.db")).unwrap();
    catalog.close().await;
    catalog.close().await;
    assert!(matches!(catalog.plan(&[]).await, Err(CatalogError::Broken(_))));
    assert!(matches!(catalog.accounts().await, Err(CatalogError::Broken(_))));
}

#[tokio::test]
async fn a_request_given_up_leaves_no_half() {
    let directory = tempfile::tempdir().unwrap();
    let catalog = SqliteCatalog::open(&directory.path().join("catalog.db")).unwrap();
    catalog.open_account(&key("a"), &Opening::default()).await.unwrap();
    for number in 0..20 {
        let _given_up = catalog.plan(&[plan(number)]).now_or_never();
        catalog.plan(&[plan(number)]).await.unwrap();
        let _given_up = catalog.settle(&delivered(plan(number))).now_or_never();
    }
    for number in 0..20 {
        catalog.settle(&delivered(plan(number))).await.unwrap();
    }
    assert_holds(&catalog, 20, 20).await;
}

/// One transaction of another process, as somebody looking into the file would make.
fn look(path: &Path) -> (u64, u64, u64) {
    let connection = Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let account = "SELECT planned, delivered, (SELECT coalesce(sum(end_offset - first_offset), 0) FROM plans)
        FROM accounts";
    let column = |row: &rusqlite::Row<'_>, index| row.get::<_, i64>(index).unwrap().unsigned_abs();
    connection.query_row(account, [], |row| Ok((column(row, 0), column(row, 1), column(row, 2)))).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_reader_sees_whole_moments_while_it_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("catalog.db");
    let catalog = SqliteCatalog::open(&path).unwrap();
    catalog.open_account(&key("a"), &Opening::default()).await.unwrap();
    let writer = tokio::spawn(async move {
        for number in 0..30 {
            catalog.plan(&[plan(number)]).await.unwrap();
            catalog.settle(&delivered(plan(number))).await.unwrap();
        }
    });
    while !writer.is_finished() {
        let (planned, delivered, under_way) = look(&path);
        assert_eq!(planned, delivered + under_way);
    }
    writer.await.unwrap();
    assert_eq!(look(&path), (30 * BATCH_EVENTS, 30 * BATCH_EVENTS, 0));
}

#[tokio::test]
async fn one_contradiction_among_many_changes_fails_alone() {
    let directory = tempfile::tempdir().unwrap();
    let catalog = SqliteCatalog::open(&directory.path().join("catalog.db")).unwrap();
    plan_and_settle(&catalog, 40, 0).await;
    let never_planned = |number: u64| number % 4 == 3;
    let batch = |number| if never_planned(number) { plan(number + 1_000) } else { plan(number) };
    let settlements: Vec<_> = (0..40).map(|number| delivered(batch(number))).collect();
    let answers = join_all(settlements.iter().map(|settlement| catalog.settle(settlement))).await;
    for (number, answer) in (0..).zip(answers) {
        assert_eq!(answer.is_err(), never_planned(number), "{number}: {answer:?}");
    }
    assert_eq!(catalog.accounts().await.unwrap()[0].delivered, 30 * BATCH_EVENTS);
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_its_owners_alone_and_its_directories_are_made() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a/b/catalog.db");
    let catalog = SqliteCatalog::open(&path).unwrap();
    catalog.open_account(&key("a"), &Opening::default()).await.unwrap();
    for file in std::fs::read_dir(path.parent().unwrap()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
    }
    assert!(catalog.size_bytes() > 0);
}
