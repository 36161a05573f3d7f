//! A plain client of Postgres: `COPY` of rows that are ready, over as many connections as the sink has.

use bytes::Bytes;
use futures::future::{join_all, try_join_all};
use futures::{SinkExt, TryStreamExt};
use std::time::Instant;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls};

/// As many as the sink opens by default.
const CONNECTIONS: usize = 5;

/// Rows a second, into the emptied table that Weir filled: its rows, columns, indexes and partitions, a transaction a
/// batch. Leaves it empty.
pub fn postgres(url: &str, batch: usize) -> f64 {
    Runtime::new().unwrap().block_on(async {
        let client = connect(url).await;
        let count: i64 = client.query_one("SELECT count(*) FROM events", &[]).await.unwrap().get(0);
        let batches = ready(&client, count, batch).await;
        client.batch_execute("TRUNCATE events, weir_batches; CHECKPOINT").await.unwrap();
        let clients = join_all((0..CONNECTIONS).map(|_| connect(url))).await;
        let begun = Instant::now();
        let tasks = clients.into_iter().enumerate().map(|(place, client)| {
            let own = batches.iter().skip(place).step_by(CONNECTIONS).cloned().collect();
            tokio::spawn(copy(client, own))
        });
        try_join_all(tasks).await.unwrap();
        let rate = count as f64 / begun.elapsed().as_secs_f64();
        let copied: i64 = client.query_one("SELECT count(*) FROM events", &[]).await.unwrap().get(0);
        assert_eq!(copied, count, "copied {copied} of {count}");
        client.batch_execute("TRUNCATE events; CHECKPOINT").await.unwrap();
        rate
    })
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Batches in the order and the form in which they came.
async fn ready(client: &Client, count: i64, batch: usize) -> Vec<Bytes> {
    let number = "CREATE TEMP TABLE numbered AS SELECT row_number() OVER (ORDER BY event_id) AS weir_number, * FROM events; \
        CREATE INDEX ON numbered (weir_number)";
    client.batch_execute(number).await.unwrap();
    let columns: String = client
        .query_one(
            "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute \
             WHERE attrelid = 'events'::regclass AND attnum > 0",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    let mut batches = Vec::new();
    for before in (0..count).step_by(batch) {
        let copy = format!(
            "COPY (SELECT {columns} FROM numbered WHERE weir_number > {before} AND weir_number <= {before} + {batch} \
             ORDER BY weir_number) TO STDOUT (FORMAT binary)"
        );
        let pieces: Vec<Bytes> = client.copy_out(&copy).await.unwrap().try_collect().await.unwrap();
        batches.push(pieces.concat().into());
    }
    client.batch_execute("DROP TABLE numbered").await.unwrap();
    batches
}

async fn copy(client: Client, batches: Vec<Bytes>) {
    for batch in batches {
        let sink = client.copy_in("COPY events FROM STDIN (FORMAT binary)").await.unwrap();
        let mut sink = std::pin::pin!(sink);
        sink.send(batch).await.unwrap();
        sink.finish().await.unwrap();
    }
}
