//! How fast the SQLite sink drains, against a plain client: prepared inserts of 1,000 rows a transaction, on the same
//! schema, with the same pragmas, its rows ready: read back from what the sink wrote. Also what each index costs.
//!
//! `cargo run --release -p weir-sinks --example sqlite_drain [EVENTS]`

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement at a terminal")]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use futures::stream::{self, StreamExt};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use weir_core::event::{Event, EventId, Offset, Origin, Record, Stream};
use weir_core::sink::Sink;
use weir_core::testkit::sink::batch;
use weir_core::testkit::world::{SeededRandom, TestClock};
use weir_core::time::Timestamp;
use weir_core::world::Random;
use weir_sinks::sqlite::{SqliteSettings, SqliteSink};

const BATCH_EVENTS: usize = 1_000;
const IN_FLIGHT: usize = 10;
const ROUNDS: usize = 3;

const PRAGMAS: &str = "PRAGMA journal_mode = wal; PRAGMA synchronous = full; PRAGMA cache_size = -16000;
    PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864;";
const INSERT: &str =
    "INSERT INTO events VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (event_id) DO NOTHING";
const INDEXES: [&str; 4] = ["events_by_received_at", "events_by_stream", "events_by_event", "events_by_user"];

fn main() {
    let count = std::env::args().nth(1).map_or(200_000, |count| count.parse().unwrap());
    let records = records(count);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut rows = Vec::new();
    for round in 1..=ROUNDS {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("events.db");
        let sink = runtime.block_on(sink(&records, &database));
        rows = rows_of(&database);
        let client = plain_client(&rows, &[]);
        println!("round {round}: plain client {client:.0}/s, sink {sink:.0}/s, ratio {:.2}", sink / client);
    }
    for index in INDEXES {
        println!("plain client without {index}: {:.0}/s", plain_client(&rows, &[index]));
    }
    println!("plain client without any index: {:.0}/s", plain_client(&rows, &INDEXES));
}

/// Events as they come: about 300 bytes, ids that rise with time, some thousand users.
fn records(count: usize) -> Vec<Record> {
    let stream = Stream::new("events").unwrap();
    let random = SeededRandom::new(1);
    let origin = Arc::new(Origin {
        credential: "key:default".to_owned(),
        user_id: Some(format!("user-{}", random.below(5_000))),
        device_uuid: Some("0b9d5a0e-3a51-4f3c-8a43-6f8a0c7f5b11".to_owned()),
        app_version: Some("4.12.0".to_owned()),
        os_version: Some("iOS 18.2".to_owned()),
        user_agent: Some("Mozilla/5.0 (iPhone; CPU iPhone OS 18_2 like Mac OS X)".to_owned()),
        client_ip: Some("192.0.2.77".to_owned()),
    });
    let record = |number: usize| {
        let at = Timestamp::from_micros(TestClock::BEGIN + number as i64 * 100);
        let body = format!(
            r#"{{"page":"/products/{}","event":"{}","label":"Buy now","section":"hero","param":{{"price":{}.90,"currency":"EUR","tags":["a","b"]}},"session":"{:016x}"}}"#,
            random.below(500),
            ["click", "view", "scroll", "buy"][random.below(4) as usize],
            random.below(100),
            random.next(),
        );
        Record {
            offset: Offset(number as u64),
            stream: stream.clone(),
            received_at: at,
            origin: Arc::clone(&origin),
            event: Event {
                id: id(number, &random),
                occurred_at: at,
                client_id: None,
                user_id: Some(format!("user-{}", random.below(5_000)).into()),
                body: body.into(),
            },
        }
    };
    (0..count).map(record).collect()
}

/// A UUID of version 7: ten events a millisecond, then chance.
fn id(number: usize, random: &SeededRandom) -> EventId {
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&(1_767_225_600_000 + number as u64 / 10).to_be_bytes()[2..]);
    bytes[6..8].copy_from_slice(&0x7000_u16.to_be_bytes());
    bytes[8..].copy_from_slice(&(random.next() >> 2 | 1 << 63).to_be_bytes());
    EventId(bytes)
}

async fn sink(records: &[Record], database: &Path) -> f64 {
    let settings = SqliteSettings::new(database);
    let sink = SqliteSink::start(settings, Arc::new(TestClock::start())).unwrap();
    sink.check().await.unwrap();
    let batches = records.chunks(BATCH_EVENTS).map(|part| batch("bench", part.to_vec()));
    let batches: Vec<_> = batches.collect();
    let begin = Instant::now();
    let delivered = stream::iter(&batches).map(|batch| sink.deliver(batch)).buffer_unordered(IN_FLIGHT);
    delivered.for_each(async |receipt| assert!(receipt.unwrap().exceptions.is_empty())).await;
    records.len() as f64 / begin.elapsed().as_secs_f64()
}

fn schema(path: &Path, without: &[&str]) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(PRAGMAS).unwrap();
    connection.execute_batch(include_str!("../fixtures/sqlite/v1.sql")).unwrap();
    connection.execute_batch("DELETE FROM events").unwrap();
    for index in without {
        connection.execute_batch(&format!("DROP INDEX {index}")).unwrap();
    }
    connection
}

type Row = Vec<Value>;

/// In the order in which they were stored.
fn rows_of(database: &Path) -> Vec<Row> {
    let connection = Connection::open(database).unwrap();
    let mut select = connection.prepare("SELECT * FROM events ORDER BY rowid").unwrap();
    let columns = select.column_count();
    let rows = select.query_map([], |row| (0..columns).map(|column| row.get(column)).collect()).unwrap();
    rows.map(Result::unwrap).collect()
}

fn plain_client(rows: &[Row], without: &[&str]) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = schema(&folder.path().join("events.db"), without);
    let begin = Instant::now();
    for part in rows.chunks(BATCH_EVENTS) {
        let transaction = connection.transaction().unwrap();
        let mut insert = transaction.prepare_cached(INSERT).unwrap();
        for row in part {
            insert.execute(params_from_iter(row)).unwrap();
        }
        drop(insert);
        transaction.commit().unwrap();
    }
    rows.len() as f64 / begin.elapsed().as_secs_f64()
}
