//! Which way into Postgres is the fastest for a batch: `COPY` straight into the table, `COPY` into a staging table and
//! `INSERT … ON CONFLICT`, or `INSERT` from `unnest`; and the sink beside them. Rows are ready, the tables the same.
//!
//! `cargo run --release -p weir-sinks --example postgres_paths postgres://USER:PASSWORD@HOST/DATABASE [EVENTS]`

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement at a terminal")]

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use futures::{SinkExt, future::join_all};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;
use weir_core::event::{Event, EventId, Offset, Origin, Record, Stream};
use weir_core::sink::Sink;
use weir_core::testkit::sink::batch;
use weir_core::testkit::world::{SeededRandom, TestClock};
use weir_core::time::Timestamp;
use weir_core::world::Random;
use weir_sinks::postgres::{PostgresSettings, PostgresSink};

const BATCH_EVENTS: usize = 1_000;
const CONNECTIONS: usize = 5;
const ROUNDS: usize = 3;
const HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TAIL: &[u8] = &[0xFF, 0xFF];
const TEXTS: [&str; 13] = [
    "stream",
    "log_id",
    "page",
    "event",
    "label",
    "target",
    "section",
    "user_id",
    "device_uuid",
    "app_version",
    "os_version",
    "user_agent",
    "client_ip",
];

#[derive(Clone, Copy, Debug)]
enum Way {
    Straight,
    Staged,
    Unnest,
}

/// A batch, as each of the ways takes it.
struct Ready {
    binary: Bytes,
    ids: Vec<Uuid>,
    texts: Vec<Vec<Option<String>>>,
    json: [Vec<Option<String>>; 2],
    moments: [Vec<SystemTime>; 2],
}

#[tokio::main]
async fn main() {
    let url = std::env::args().nth(1).unwrap();
    let count = std::env::args().nth(2).map_or(100_000, |count| count.parse().unwrap());
    for (what, is_named) in [("ids that clients gave", true), ("ids that Weir gave", false)] {
        let records = records(count, is_named);
        for round in 1..=ROUNDS {
            let sink = sink(&url, &records).await;
            let ready = Arc::new(ready(&connect(&url).await).await);
            let mut line = format!("{what}, round {round}: sink {sink:.0}/s");
            for way in [Way::Straight, Way::Staged, Way::Unnest] {
                line += &format!(", {way:?} {:.0}/s", drain(&url, &ready, way).await);
            }
            println!("{line}");
        }
    }
    connect(&url).await.batch_execute("DROP TABLE paths, weir_batches").await.unwrap();
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Events as they come: about 300 bytes, some thousand users.
fn records(count: usize, is_named: bool) -> Vec<Record> {
    let stream = Stream::new("events").unwrap();
    let random = SeededRandom::new(1);
    let record = |place: usize| {
        let received_at = Timestamp::from_micros(TestClock::BEGIN + 400 * place as i64);
        let millis = u64::try_from(received_at.as_micros()).unwrap() / 1000;
        let noise: [u8; 10] = std::array::from_fn(|_| random.next() as u8);
        let issued = uuid::Builder::from_unix_timestamp_millis(millis, &noise).into_uuid().into_bytes();
        let named = EventId::named(&stream, "key:default", &place.to_string());
        let (user, price) = (random.below(5_000), random.below(100_000));
        let body = format!(
            r#"{{"page":"/shop/{}","event":"click","label":"button","section":"main","param":{{"price":{price},"currency":"EUR","items":[1,2,3]}},"session":"{:016x}"}}"#,
            random.below(500),
            random.next()
        );
        let origin =
            Origin { user_agent: Some("Mozilla/5.0 (X11; Linux x86_64)".to_owned()), ..Origin::default() };
        Record {
            offset: Offset(place as u64),
            stream: stream.clone(),
            received_at,
            origin: Arc::new(origin),
            event: Event {
                id: if is_named { named } else { EventId(issued) },
                occurred_at: received_at,
                client_id: is_named.then(|| place.to_string().into()),
                user_id: Some(format!("user-{user}").into()),
                body: body.into(),
            },
        }
    };
    (0..count).map(record).collect()
}

/// Leaves the rows behind for the other ways.
async fn sink(url: &str, records: &[Record]) -> f64 {
    connect(url).await.batch_execute("DROP TABLE IF EXISTS paths, weir_batches").await.unwrap();
    let settings = PostgresSettings { table: "paths".to_owned(), ..PostgresSettings::new(url) };
    let sink = PostgresSink::start(&settings, Arc::new(TestClock::start())).unwrap();
    sink.check().await.unwrap();
    let batches: Vec<_> = records.chunks(BATCH_EVENTS).map(|part| batch("paths", part.to_vec())).collect();
    let begin = Instant::now();
    let deliveries =
        stream::iter(&batches).map(|batch| sink.deliver(batch)).buffer_unordered(2 * CONNECTIONS);
    let receipts: Vec<_> = deliveries.try_collect().await.unwrap();
    assert!(receipts.iter().all(|receipt| receipt.exceptions.is_empty()));
    records.len() as f64 / begin.elapsed().as_secs_f64()
}

async fn ready(client: &Client) -> Vec<Ready> {
    let all =
        format!("SELECT event_id, {}, param, extra, occurred_at, received_at FROM paths", TEXTS.join(", "));
    let count: i64 = client.query_one("SELECT count(*) FROM paths", &[]).await.unwrap().get(0);
    let mut batches = Vec::new();
    client.batch_execute(&format!("CREATE TEMP TABLE numbered AS SELECT row_number() OVER () - 1 AS n, r.* FROM ({all}) r; CREATE INDEX ON numbered (n)")).await.unwrap();
    for from in (0..count).step_by(BATCH_EVENTS) {
        let part = all.replace(
            "FROM paths",
            &format!("FROM numbered WHERE n >= {from} AND n < {}", from + BATCH_EVENTS as i64),
        );
        let copied = client.copy_out(&format!("COPY ({part}) TO STDOUT (FORMAT binary)")).await.unwrap();
        let pieces: Vec<Bytes> = copied.try_collect().await.unwrap();
        let rows =
            client.query(&part.replace("param, extra", "param::text, extra::text"), &[]).await.unwrap();
        let text = |column: usize| rows.iter().map(|row| row.get(column)).collect::<Vec<Option<String>>>();
        let moment = |column: usize| rows.iter().map(|row| row.get(column)).collect::<Vec<SystemTime>>();
        batches.push(Ready {
            binary: pieces.concat().into(),
            ids: rows.iter().map(|row| row.get(0)).collect(),
            texts: (1..=TEXTS.len()).map(text).collect(),
            json: [text(14), text(15)],
            moments: [moment(16), moment(17)],
        });
    }
    batches
}

/// Every batch a transaction, over as many connections as the sink has.
async fn drain(url: &str, ready: &Arc<Vec<Ready>>, way: Way) -> f64 {
    connect(url).await.batch_execute("TRUNCATE paths").await.unwrap();
    let clients = join_all((0..CONNECTIONS).map(async |_| {
        let client = connect(url).await;
        client.batch_execute("CREATE TEMP TABLE staging (LIKE paths) ON COMMIT DELETE ROWS").await.unwrap();
        client
    }))
    .await;
    let begin = Instant::now();
    let tasks = clients.into_iter().enumerate().map(|(worker, client)| {
        let ready = ready.clone();
        tokio::spawn(async move {
            for batch in ready.iter().skip(worker).step_by(CONNECTIONS) {
                store(&client, batch, way).await;
            }
        })
    });
    assert!(join_all(tasks).await.iter().all(Result::is_ok));
    let count: usize = ready.iter().map(|batch| batch.ids.len()).sum();
    count as f64 / begin.elapsed().as_secs_f64()
}

async fn store(client: &Client, batch: &Ready, way: Way) {
    let columns = format!("event_id, {}, param, extra, occurred_at, received_at", TEXTS.join(", "));
    client.batch_execute("BEGIN").await.unwrap();
    match way {
        Way::Straight => copy(client, "paths", &columns, batch).await,
        Way::Staged => {
            copy(client, "staging", &columns, batch).await;
            let insert =
                format!("INSERT INTO paths ({columns}) SELECT {columns} FROM staging ON CONFLICT DO NOTHING");
            client.batch_execute(&insert).await.unwrap();
        }
        Way::Unnest => unnest(client, &columns, batch).await,
    }
    client.batch_execute("COMMIT").await.unwrap();
}

async fn copy(client: &Client, table: &str, columns: &str, batch: &Ready) {
    debug_assert!(batch.binary.starts_with(HEAD) && batch.binary.ends_with(TAIL));
    let sink = client.copy_in(&format!("COPY {table} ({columns}) FROM STDIN (FORMAT binary)")).await.unwrap();
    let mut sink = std::pin::pin!(sink);
    sink.feed(batch.binary.clone()).await.unwrap();
    sink.finish().await.unwrap();
}

async fn unnest(client: &Client, columns: &str, batch: &Ready) {
    let texts: Vec<String> = (2..TEXTS.len() + 2).map(|place| format!("${place}::text[]")).collect();
    let arrays = format!(
        "$1::uuid[], {}, $15::text[], $16::text[], $17::timestamptz[], $18::timestamptz[]",
        texts.join(", ")
    );
    let selected = columns.replace("param, extra", "param::jsonb, extra::jsonb");
    let insert = format!(
        "INSERT INTO paths ({columns}) SELECT {selected} FROM unnest({arrays}) AS r ({columns}) ON CONFLICT DO NOTHING"
    );
    let mut parameters: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> = vec![&batch.ids];
    parameters.extend(batch.texts.iter().map(|texts| texts as &(dyn tokio_postgres::types::ToSql + Sync)));
    parameters.extend(
        [&batch.json[0], &batch.json[1]].map(|json| json as &(dyn tokio_postgres::types::ToSql + Sync)),
    );
    parameters
        .extend(batch.moments.iter().map(|moments| moments as &(dyn tokio_postgres::types::ToSql + Sync)));
    client.execute(&insert, &parameters).await.unwrap();
}
