//! What is in the way, told by what to do: come again, mend something, or give one event up.

use std::time::Duration;

use rusqlite::Connection;
use weir_core::sink::{Receipt, Sink, SinkError, Verdict};
use weir_core::testkit::sink::batch;
use weir_sinks::sqlite::SqliteSettings;

use crate::sqlite::file::object;
use crate::sqlite::probe::SqliteProbe;
use crate::sqlite::start;

fn blocked(error: SinkError) -> String {
    match error {
        SinkError::Blocked { cause } => format!("{cause:#}"),
        other => panic!("a person has to mend this: {other:?}"),
    }
}

async fn check_of(sql: &str) -> Result<(), SinkError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    start(SqliteSettings::new(&path)).check().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_lacks_columns_is_told_with_the_remedy_and_the_remedy_works() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let mine = "CREATE TABLE events (id INTEGER PRIMARY KEY, event_id TEXT UNIQUE, stream, log_id, page, event, target, section, param,
        user_id, device_uuid, app_version, os_version, user_agent, client_ip, occurred_at, received_at)";
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(mine).unwrap();
    let sink = start(SqliteSettings::new(&path));
    let told = blocked(sink.check().await.unwrap_err());
    let remedy =
        "ALTER TABLE \"events\" ADD COLUMN label TEXT; ALTER TABLE \"events\" ADD COLUMN extra TEXT;";
    assert!(told.contains(remedy), "{told}");
    assert!(blocked(sink.deliver(&batch("p", vec![object(1)])).await.unwrap_err()).contains(remedy));
    connection.execute_batch(remedy).unwrap();
    sink.check().await.unwrap();
    assert_eq!(sink.deliver(&batch("p", vec![object(1)])).await.unwrap(), Receipt::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_will_not_do_is_told_with_what_would() {
    let columns = "stream, log_id, page, event, label, target, section, param, user_id, device_uuid, app_version, os_version,
        user_agent, client_ip, occurred_at, received_at, extra";
    for (sql, word) in [
        (format!("CREATE TABLE events (event_id, {columns})"), "CREATE UNIQUE INDEX"),
        (format!("CREATE TABLE events (event_id UNIQUE, mine NOT NULL, {columns})"), "mine"),
        ("CREATE VIEW events AS SELECT 1".to_owned(), "set another `table`"),
        ("CREATE TABLE weir_tables (name PRIMARY KEY, version); INSERT INTO weir_tables VALUES ('events', 2)".to_owned(), "newer"),
    ] {
        let told = blocked(check_of(&sql).await.unwrap_err());
        assert!(told.contains(word), "{sql}: {told}");
    }
    let allowed = format!("CREATE TABLE events (event_id UNIQUE, mine NOT NULL DEFAULT 1, yours, {columns})");
    check_of(&allowed).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_cannot_be_used_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("text"), "this is no database, whatever it is called. ".repeat(99))
        .unwrap();
    for (path, word) in [
        (folder.path().to_owned(), "`path` is no folder"),
        (folder.path().join("text"), "set another `path`"),
        (folder.path().join("text/events.db"), "set another `path`"),
    ] {
        let told = blocked(start(SqliteSettings::new(&path)).check().await.unwrap_err());
        assert!(told.contains(word) && told.contains(path.to_str().unwrap()), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_rule_of_the_table_forbids_concerns_that_event_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let sink = start(SqliteSettings::new(&path));
    sink.check().await.unwrap();
    let rule = "CREATE TRIGGER rule BEFORE INSERT ON events WHEN new.page = 'no'
        BEGIN SELECT RAISE(ABORT, 'the owner says no'); END";
    Connection::open(&path).unwrap().execute_batch(rule).unwrap();
    let mut records: Vec<_> = (0..10).map(object).collect();
    records[4].event.body = r#"{"page":"no"}"#.into();
    let receipt = sink.deliver(&batch("p", records)).await.unwrap();
    let [exception] = receipt.exceptions.as_slice() else { panic!("{receipt:?}") };
    let Verdict::Refused(refusal) = &exception.verdict else { panic!("{exception:?}") };
    assert_eq!(
        (exception.index, refusal.reason.as_str(), refusal.detail.as_str()),
        (4, "constraint_violation", "the owner says no")
    );
    assert_eq!(SqliteProbe::new(&path, "events").count(), 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_another_program_holds_the_lock_the_batch_is_given_back_and_then_stored() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let sink = start(SqliteSettings { busy_timeout: Duration::from_millis(1), ..SqliteSettings::new(&path) });
    sink.check().await.unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let batch = batch("p", vec![object(1)]);
    for _ in 0..2 {
        assert!(matches!(sink.deliver(&batch).await, Err(SinkError::Retry { .. })));
    }
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(sink.deliver(&batch).await.unwrap(), Receipt::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_ends_within_its_time_limit_whatever_the_file_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let limits = SqliteSettings {
        busy_timeout: Duration::from_secs(600),
        time_limit: Duration::from_millis(50),
        ..SqliteSettings::new(&path)
    };
    start(SqliteSettings::new(&path)).check().await.unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let sink = start(limits);
    // The writer is stuck; more than may wait are still answered, each with an error.
    for _ in 0..100 {
        assert!(matches!(sink.deliver(&batch("p", vec![object(1)])).await, Err(SinkError::Retry { .. })));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_or_file_that_disappears_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let sink = start(SqliteSettings::new(&path));
    sink.deliver(&batch("p", vec![object(1)])).await.unwrap();
    Connection::open(&path).unwrap().execute_batch("DROP TABLE events").unwrap();
    sink.deliver(&batch("p", vec![object(2)])).await.unwrap();
    let probe = SqliteProbe::new(&path, "events");
    assert_eq!(probe.count(), 1);
    std::fs::rename(&path, folder.path().join("moved.db")).unwrap();
    sink.deliver(&batch("p", vec![object(3)])).await.unwrap();
    assert_eq!(probe.count(), 1);
}
