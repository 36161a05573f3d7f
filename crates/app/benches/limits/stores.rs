//! A plain client of each store: no log before it, no account behind it; the same tables, the same batches.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};
use serde_json::Value;
use ureq::Agent;
use uuid::Uuid;

const BATCH: usize = 1000;
const IN_FLIGHT: usize = 10;

/// Rows a second, into a table like the one that Weir made.
pub fn sqlite(made_by_weir: &str, file: &str, events: usize) -> f64 {
    let mut database = Connection::open(file).unwrap();
    database.pragma_update(None, "journal_mode", "wal").unwrap();
    database.pragma_update(None, "synchronous", "full").unwrap();
    for statement in schema(made_by_weir) {
        database.execute(&statement, []).unwrap();
    }
    let insert = "insert into events (event_id, stream, page, event, label, target, section, param, user_agent, client_ip, \
        occurred_at, received_at) values (?1, 'events', '/home', 'click', ?2, '#buy', 'header', ?3, 'bench', '127.0.0.1', ?4, ?4) \
        on conflict do nothing";
    let begun = Instant::now();
    for batch in 0..events.div_ceil(BATCH) {
        let transaction = database.transaction().unwrap();
        let mut statement = transaction.prepare_cached(insert).unwrap();
        for n in 0..BATCH {
            let number = batch * BATCH + n;
            let param = format!("{{\"position\":{n}}}");
            let time = 1_795_338_000_000_000_i64 + i64::try_from(number).unwrap();
            statement.execute(params![id(number), format!("n{number}"), param, time]).unwrap();
        }
        drop(statement);
        transaction.commit().unwrap();
    }
    events as f64 / begun.elapsed().as_secs_f64()
}

fn schema(made_by_weir: &str) -> Vec<String> {
    let database = Connection::open(made_by_weir).unwrap();
    let query =
        "select sql from sqlite_schema where sql is not null and tbl_name = 'events' order by type desc";
    let mut statement = database.prepare(query).unwrap();
    let found = statement.query_map([], |row| row.get(0)).unwrap();
    found.map(Result::unwrap).collect()
}

/// Documents a second, in bulks like Weir's, into an index of the round's own.
pub fn opensearch(url: &str, round: usize, events: usize) -> f64 {
    let document = sample(url);
    // Matches the template that Weir installed.
    let index = format!("{url}/events_plain{round}_2026-01");
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    thread::scope(|scope| {
        for _ in 0..IN_FLIGHT {
            scope.spawn(|| {
                let agent = agent();
                loop {
                    let batch = next.fetch_add(1, Ordering::Relaxed);
                    if batch * BATCH >= events {
                        return;
                    }
                    bulk(&agent, &index, batch, &document);
                }
            });
        }
    });
    events as f64 / begun.elapsed().as_secs_f64()
}

fn agent() -> Agent {
    Agent::config_builder().timeout_global(Some(Duration::from_secs(120))).build().new_agent()
}

/// One of the documents that Weir wrote.
fn sample(url: &str) -> String {
    let mut answer = agent().get(format!("{url}/events_*/_search?size=1")).call().unwrap();
    let page: Value = serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap();
    page["hits"]["hits"][0]["_source"].to_string()
}

fn bulk(agent: &Agent, index: &str, batch: usize, document: &str) {
    let line = |n| format!("{{\"create\":{{\"_id\":\"{}\"}}}}\n{document}\n", id(batch * BATCH + n));
    let body = (0..BATCH).map(line).collect::<String>();
    let request = agent
        .post(format!("{index}/_bulk?filter_path=errors"))
        .header("content-type", "application/x-ndjson");
    let answer = request.send(body).unwrap().body_mut().read_to_string().unwrap();
    assert!(answer.contains("false"), "{answer}");
}

/// Rises with time like the ids that Weir issues, and is as random within a millisecond.
fn id(number: usize) -> String {
    let scrambled =
        (number as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835) & ((1 << 74) - 1);
    let time = 1_795_338_000_000_u128 + number as u128 / 100;
    Uuid::from_u128(time << 80 | 7 << 76 | scrambled & !(3 << 62) | 2 << 62).to_string()
}
