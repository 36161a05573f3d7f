//! The file: its format, which is frozen, and that others may use it meanwhile.

use rusqlite::Connection;
use weir_core::sink::Sink;
use weir_core::testkit::record;
use weir_core::testkit::sink::{batch, contract};
use weir_sinks::sqlite::SqliteSettings;

use crate::sqlite::probe::SqliteProbe;
use crate::sqlite::start;

/// What version 1 left behind. Never changed: a file that it made must be read and written for ever.
const VERSION_1: &str = include_str!("../../../fixtures/sqlite/v1.sql");

fn schema(connection: &Connection) -> Vec<(String, Option<String>)> {
    let mut statement = connection.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_file_is_of_version_1_as_it_was_frozen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    start(SqliteSettings::new(&path)).check().await.unwrap();
    let frozen = Connection::open_in_memory().unwrap();
    frozen.execute_batch(VERSION_1).unwrap();
    assert_eq!(schema(&Connection::open(&path).unwrap()), schema(&frozen));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_version_1_is_taken_up_with_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    Connection::open(&path).unwrap().execute_batch(VERSION_1).unwrap();
    let probe = SqliteProbe::new(&path, "events");
    assert_eq!(probe.count(), 2);
    contract(&start(SqliteSettings::new(&path)), &probe).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_questions_people_ask_are_answered_from_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    start(SqliteSettings::new(&path)).check().await.unwrap();
    let connection = Connection::open(&path).unwrap();
    for (condition, index) in [
        ("stream = 'events' AND occurred_at > 5 ORDER BY occurred_at", "events_by_stream"),
        ("event = 'click' AND occurred_at BETWEEN 5 AND 9", "events_by_event"),
        ("user_id = 'u' ORDER BY occurred_at DESC LIMIT 9", "events_by_user"),
        ("received_at > 5 ORDER BY received_at", "events_by_received_at"),
        ("event_id = 'x'", "sqlite_autoindex_events_1"),
    ] {
        let explain = format!("EXPLAIN QUERY PLAN SELECT * FROM events WHERE {condition}");
        let plan: String = connection.query_row(&explain, [], |row| row.get("detail")).unwrap();
        assert!(plan.contains(&format!("USING INDEX {index} ")), "{condition}: {plan}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_stays_long_does_not_stop_the_writer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let sink = start(SqliteSettings::new(&path));
    sink.check().await.unwrap();
    let mut reader = Connection::open(&path).unwrap();
    let reading = reader.transaction().unwrap();
    let count = || reading.query_row("SELECT count(*) FROM events", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count(), 0);
    sink.deliver(&batch("p", vec![object(1)])).await.unwrap();
    assert_eq!(count(), 0, "the reader's snapshot stands");
    assert_eq!(SqliteProbe::new(&path, "events").count(), 1, "a new reader sees the row");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_on_the_disk_and_not_in_a_cache() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let sink = start(SqliteSettings::new(&path));
    sink.deliver(&batch("p", vec![object(1)])).await.unwrap();
    // The files as they are at this moment, as after a power cut, with the sink still holding its connection.
    let copy = tempfile::tempdir().unwrap();
    for name in ["events.db", "events.db-wal"] {
        std::fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
    }
    assert_eq!(
        Connection::open(copy.path().join("events.db"))
            .unwrap()
            .query_row("SELECT count(*) FROM events", [], |row| row.get::<_, i64>(0))
            .unwrap(),
        1
    );
}

pub fn object(offset: u64) -> weir_core::event::Record {
    let mut record = record(offset, "events", 0);
    record.event.body = "{}".into();
    record
}
