//! Files of every version open for ever; what cannot be opened says why and what to do.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use weir_catalog::SqliteCatalog;
use weir_core::catalog::{AccountKey, Catalog, CatalogError, Claim, DeadLetterFilter, Place};
use weir_core::event::{EventId, Offset, Stream};
use weir_core::log::Partition;
use weir_core::sink::SinkName;
use weir_core::streams::Streams;
use weir_core::time::Timestamp;

/// A copy of the fixture that may be written to.
fn version(number: u32, directory: &Path) -> PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/catalog");
    let fixture = fixtures.join(format!("version-{number}.db"));
    let copy = directory.join("catalog.db");
    std::fs::copy(fixture, &copy).unwrap();
    copy
}

fn schema(path: &Path) -> Vec<(String, Option<String>)> {
    let connection = Connection::open(path).unwrap();
    let mut statement = connection.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

fn refusal(path: &Path) -> String {
    match SqliteCatalog::open(path) {
        Err(CatalogError::Broken(error)) => error.to_string(),
        Err(CatalogError::Retry(error)) => panic!("asking again was said to help: {error}"),
        Ok(_) => panic!("it was opened"),
    }
}

/// Which streams an account of version 1 counted is not known; they are worked out anew at the start.
#[tokio::test]
async fn a_catalog_of_version_1_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let catalog = SqliteCatalog::open(&version(1, directory.path())).unwrap();
    holds_one_of_everything(&catalog).await;
    assert!(catalog.accounts().await.unwrap().iter().all(|account| account.claim.is_none()));
    assert!(catalog.paused().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_catalog_of_version_2_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let catalog = SqliteCatalog::open(&version(2, directory.path())).unwrap();
    holds_one_of_everything(&catalog).await;
    let accounts = catalog.accounts().await.unwrap();
    let events = Stream::new("events").unwrap();
    let claim = Claim {
        streams: Streams::Named([events.clone()].into()),
        accepted_before: [(events, 25)].into(),
        carried: 10 + 1 + 5 + 1 + 5,
    };
    assert_eq!(accounts.iter().map(|account| account.claim.clone()).collect::<Vec<_>>(), [Some(claim), None]);
    assert_eq!(catalog.paused().await.unwrap(), [accounts[0].key.sink.clone()].into());
}

#[tokio::test]
async fn a_catalog_of_version_3_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let catalog = SqliteCatalog::open(&version(3, directory.path())).unwrap();
    let key = AccountKey::main(&SinkName::of_input("bus"), &Partition("kafka:bus/event-messages/3".into()));
    let letter = catalog.dead_letter(4).await.unwrap().unwrap();
    let source = letter.source.unwrap();
    assert_eq!((&*source.topic, source.partition, source.offset), ("event-messages", 3, 42));
    assert_eq!(source.key.as_deref(), Some("click"));
    assert_eq!(source.headers, [("stream".to_owned(), "events".to_owned())]);
    // The same era, by somebody who has not heard of the batch that was settled here.
    let unsettled = [(Offset(40), Offset(44)), (Offset(44), Offset(50))].into();
    let place = Place { era: 77, planned: Offset(50), unsettled };
    let joined = catalog.take_up(&key, &place).await.unwrap();
    assert_eq!(joined.unsettled, [(Offset(44), Offset(50))].into());

    assert!(catalog.forget(&key.sink, "").await.unwrap());
    holds_one_of_everything(&catalog).await;
}

async fn holds_one_of_everything(catalog: &SqliteCatalog) {
    let accounts = catalog.accounts().await.unwrap();
    let [main, replay] = &accounts[..] else { panic!("{accounts:?}") };
    let events = Stream::new("events").unwrap();
    assert_eq!((main.opening.from, main.opening.until, main.planned), (Offset(3), None, Offset(25)));
    assert_eq!((main.delivered, main.duplicates, main.filtered, main.dead), (10, 2, 1, 5));
    assert_eq!((&*replay.key.lane, replay.opening.until), ("replay-1", Some(Offset(9))));

    let unsettled = catalog.unsettled(&main.key).await.unwrap();
    assert_eq!(unsettled.iter().map(|plan| (plan.first.0, plan.end.0)).collect::<Vec<_>>(), [(20, 25)]);
    let dead = catalog.dead_letters(&DeadLetterFilter::default(), None, 10).await.unwrap();
    assert_eq!(dead.iter().map(|letter| (letter.id, letter.count)).collect::<Vec<_>>(), [(3, 4), (1, 1)]);
    let waiting = catalog.resending(&main.key, 10).await.unwrap();
    assert_eq!(waiting.iter().map(|letter| letter.id).collect::<Vec<_>>(), [2]);

    let record = dead[1].record.as_ref().unwrap();
    assert_eq!(record.event.id, EventId::named(&events, "jwt:alice", "log-1"));
    assert_eq!(record.event.occurred_at, Timestamp::from_micros(-1));
    assert_eq!(record.origin.user_agent.as_deref(), Some("curl/8"));
    assert_eq!(&record.event.body[..], br#"{"page":"p","event":"e","param":{"n":1}}"#);
}

#[tokio::test]
async fn an_old_catalog_has_the_tables_of_a_new_one() {
    let directory = tempfile::tempdir().unwrap();
    let old = version(1, directory.path());
    let new = directory.path().join("new.db");
    for path in [&old, &new] {
        SqliteCatalog::open(path).unwrap().close().await;
    }
    assert_eq!(
        schema(&old),
        schema(&new),
        "an old migration was edited, or the last one is missing a fixture"
    );
}

#[test]
fn a_newer_version_is_refused_with_both_versions_and_a_remedy() {
    let directory = tempfile::tempdir().unwrap();
    let path = version(3, directory.path());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 77).unwrap();
    let message = refusal(&path);
    assert!(message.contains("version 77, made by a newer Weir"), "{message}");
    assert!(message.contains("knows version 3"), "{message}");
    assert!(message.contains("catalog.url"), "{message}");
}

#[test]
fn another_programs_database_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("other.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    let message = refusal(&path);
    assert!(message.contains("not a Weir catalog"), "{message}");
    assert_eq!(schema(&path).len(), 1);
}

#[test]
fn what_is_no_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notes.txt");
    std::fs::write(&path, "dear diary, ".repeat(1_000)).unwrap();
    let message = refusal(&path);
    assert!(message.contains("not a database"), "{message}");
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("dear diary"));
}
