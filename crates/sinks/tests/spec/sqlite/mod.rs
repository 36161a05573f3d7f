//! The SQLite sink, from outside: its contract, its file, and what it says when something is in the way.

mod columns;
mod file;
mod probe;
mod retention;
mod trouble;

use std::sync::Arc;

use weir_core::sink::Sink;
use weir_core::testkit::sink::contract;
use weir_core::testkit::world::TestClock;
use weir_sinks::sqlite::{SqliteSettings, SqliteSink};

use self::probe::SqliteProbe;

fn start(settings: SqliteSettings) -> SqliteSink {
    SqliteSink::start(settings, Arc::new(TestClock::start())).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_contract_of_a_sink() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made/when/missing/events.db");
    let sink = start(SqliteSettings::new(&path));
    contract(&sink, &SqliteProbe::new(&path, "events")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_sinks_may_write_two_tables_of_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let settings = |table: &str| SqliteSettings { table: table.to_owned(), ..SqliteSettings::new(&path) };
    let (one, two) = (start(settings("one")), start(settings("Select")));
    let probes = (SqliteProbe::new(&path, "one"), SqliteProbe::new(&path, "Select"));
    // Turning a new file to WAL needs it alone for a moment; after that they share it.
    one.check().await.unwrap();
    tokio::join!(contract(&one, &probes.0), contract(&two, &probes.1));
}

#[test]
fn a_table_is_a_plain_word_that_is_not_taken() {
    for bad in ["", "a b", "a\"b", "1a", "é", "sqlite_x", "Weir_tables", &"x".repeat(64)] {
        let settings = SqliteSettings { table: bad.to_owned(), ..SqliteSettings::new("x.db") };
        assert!(settings.check().is_err(), "{bad}");
    }
    for good in ["events", "_", "select", "A1"] {
        let settings = SqliteSettings { table: good.to_owned(), ..SqliteSettings::new("x.db") };
        assert!(settings.check().is_ok(), "{good}");
    }
}
