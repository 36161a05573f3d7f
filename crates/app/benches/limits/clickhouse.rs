//! A plain client of ClickHouse: inserts of rows that are ready in `RowBinary`, compressed and as many at once as the sink
//! sends.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ureq::Agent;

const IN_FLIGHT: usize = 10;

/// Rows a second, into a table like the one that Weir made, of the rows in it. Leaves both empty.
pub fn clickhouse(url: &str, batch: usize) -> f64 {
    let rows = count(url, "events");
    // Read in the order in which it is written, by one thread.
    for statement in [
        "CREATE TABLE ready ENGINE = Log AS SELECT * FROM events ORDER BY received_at",
        "CREATE TABLE plain AS events",
        "TRUNCATE TABLE events",
    ] {
        ask(url, statement);
    }
    let read = |from| {
        let select =
            format!("SELECT * FROM ready LIMIT {from}, {batch} SETTINGS max_threads = 1 FORMAT RowBinary");
        ask(url, &select)
    };
    let batches: Vec<Vec<u8>> = (0..rows).step_by(batch).map(|from| packed(&read(from))).collect();
    let begun = Instant::now();
    insert(url, &batches);
    let rate = rows as f64 / begun.elapsed().as_secs_f64();
    assert_eq!(count(url, "plain"), rows);
    ask(url, "DROP TABLE ready");
    ask(url, "DROP TABLE plain");
    rate
}

fn packed(rows: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(rows, 1).unwrap()
}

fn insert(url: &str, batches: &[Vec<u8>]) {
    let agent = agent();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..IN_FLIGHT {
            scope.spawn(|| {
                while let Some(batch) = batches.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let request = agent.post(url).query("query", "INSERT INTO plain FORMAT RowBinary");
                    request.header("content-encoding", "zstd").send(batch).unwrap();
                }
            });
        }
    });
}

fn ask(url: &str, statement: &str) -> Vec<u8> {
    let answer = agent().post(url).query("query", statement).send_empty();
    let mut answer = answer.unwrap_or_else(|error| panic!("{statement}: {error}"));
    answer.body_mut().with_config().limit(1 << 30).read_to_vec().unwrap()
}

fn agent() -> Agent {
    let config = Agent::config_builder().timeout_global(Some(Duration::from_secs(120)));
    config.max_idle_connections_per_host(IN_FLIGHT).build().new_agent()
}

fn count(url: &str, table: &str) -> usize {
    let text = ask(url, &format!("SELECT count() FROM {table}"));
    str::from_utf8(&text).unwrap().trim().parse().unwrap()
}
