//! Columns of one's own: added to the table, filled by their types, and strict about them.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::Value;
use weir_core::event::Record;
use weir_core::sink::{Exception, Sink, SinkError, Verdict};
use weir_core::testkit::record;
use weir_core::testkit::sink::{batch, contract};
use weir_sinks::columns::ColumnSettings;
use weir_sinks::sqlite::SqliteSettings;

use crate::sqlite::probe::SqliteProbe;
use crate::sqlite::start;

fn settings(path: &Path, columns: &[(&str, &str, &str)]) -> SqliteSettings {
    let column = |(name, from, kind): &(&str, &str, &str)| ColumnSettings {
        name: (*name).to_owned(),
        from: (*from).to_owned(),
        kind: (*kind).to_owned(),
    };
    SqliteSettings { columns: columns.iter().map(column).collect(), ..SqliteSettings::new(path) }
}

fn event(offset: u64, param: &str) -> Record {
    let mut record = record(offset, "events", 0);
    record.event.body = format!(r#"{{"page":"/","event":"e","param":{param}}}"#).into();
    record
}

fn column(path: &Path, name: &str) -> Vec<Value> {
    let connection = Connection::open(path).unwrap();
    let select = format!("SELECT {name} FROM events ORDER BY received_at");
    let mut statement = connection.prepare(&select).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_with_columns_of_its_own_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let columns = [("p", "param", "JSON"), ("place", "page", "TEXT"), ("n", "/param/none", "INTEGER")];
    contract(&start(settings(&path, &columns)), &SqliteProbe::new(&path, "events")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_stand_in_their_columns_and_stay_where_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let columns = [
        ("count", "/param/n", "integer"),
        ("price", "/param/price", "REAL"),
        ("first_tag", "/param/tags/0", "TEXT"),
        ("tags", "/param/tags", "JSON"),
    ];
    let events = vec![
        event(1, r#"{"n":9223372036854775807,"price":2.5,"tags":["1.0"]}"#),
        event(2, r#"{"n":null,"tags":[]}"#),
    ];
    let receipt = start(settings(&path, &columns)).deliver(&batch("p", events)).await.unwrap();
    assert_eq!(receipt.exceptions, []);
    let text = |text: &str| Value::Text(text.to_owned());
    assert_eq!(column(&path, "count"), [Value::Integer(i64::MAX), Value::Null]);
    assert_eq!(column(&path, "price"), [Value::Real(2.5), Value::Null]);
    assert_eq!(column(&path, "first_tag"), [text("1.0"), Value::Null]);
    assert_eq!(column(&path, "tags"), [text(r#"["1.0"]"#), text("[]")]);
    assert_eq!(column(&path, "param")[1], text(r#"{"n":null,"tags":[]}"#));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_does_not_fit_is_refused_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let sink = start(settings(&path, &[("count", "/param/n", "INTEGER")]));
    let events = vec![
        event(1, r#"{"n":1}"#),
        event(2, r#"{"n":9223372036854775808}"#),
        event(3, r#"{"n":"3"}"#),
        event(4, r#"{"n":4}"#),
    ];
    let receipt = sink.deliver(&batch("p", events)).await.unwrap();
    let details: Vec<(usize, &str)> = receipt.exceptions.iter().map(detail).collect();
    let expected = [
        (1, r#"column "count" of type INTEGER cannot hold 9223372036854775808"#),
        (2, r#"column "count" of type INTEGER cannot hold "3""#),
    ];
    assert_eq!(details, expected);
    assert_eq!(column(&path, "count"), [Value::Integer(1), Value::Integer(4)]);
}

fn detail(exception: &Exception) -> (usize, &str) {
    match &exception.verdict {
        Verdict::Refused(refusal) if refusal.reason == "column_mismatch" => {
            (exception.index, &refusal.detail)
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_there_gets_the_columns_and_keeps_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let frozen = include_str!("../../../fixtures/sqlite/v1.sql");
    Connection::open(&path).unwrap().execute_batch(frozen).unwrap();
    for columns in [&[("one", "a", "TEXT")][..], &[("One", "a", "TEXT"), ("two", "b", "REAL")], &[]] {
        start(settings(&path, columns)).check().await.unwrap();
    }
    assert_eq!(column(&path, "one"), [Value::Null, Value::Null]);
    assert_eq!(column(&path, "two"), [Value::Null, Value::Null]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_is_there_with_another_type_is_told_and_waits_for_a_person() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    start(settings(&path, &[("price", "/param/price", "INTEGER")])).check().await.unwrap();
    let error = start(settings(&path, &[("price", "/param/price", "REAL")])).check().await.unwrap_err();
    assert!(matches!(error, SinkError::Blocked { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("is of type INTEGER, not REAL") && text.contains("another name"), "{text}");
}

#[test]
fn a_type_that_is_not_there_is_told_with_those_that_are() {
    let error = settings(Path::new("x.db"), &[("price", "p", "Float64")]).check().unwrap_err().to_string();
    assert_eq!(
        error,
        "columns.price: SQLite has no type \"Float64\" here; there are INTEGER, REAL, TEXT and JSON"
    );
}
