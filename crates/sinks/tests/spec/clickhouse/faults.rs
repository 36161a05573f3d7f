//! A real engine that is killed, frozen and cut off: each event stands in the table once, without `FINAL`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use weir_core::sink::{Batch, Receipt, Sink, SinkError};
use weir_core::testkit::sink::batch;
use weir_sinks::clickhouse::{ClickHouseSettings, ClickHouseSink};

use crate::clickhouse::events;
use crate::clickhouse::server::Server;

/// As delivery does it: the same batch until it is answered.
async fn deliver(sink: &ClickHouseSink, batch: &Batch) {
    for _ in 0..600 {
        match sink.deliver(batch).await {
            Ok(receipt) => return assert_eq!(receipt, Receipt::default()),
            Err(SinkError::Retry { .. }) => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(other) => panic!("{other:?}"),
        }
    }
    panic!("never answered");
}

async fn assert_each_once(server: &Server, table: &str, expected: u64) {
    let counts = format!("SELECT count(), uniqExact(event_id) FROM {table}");
    assert_eq!(server.ask(&counts).await, format!("{expected}\t{expected}"));
    assert_eq!(server.count(&format!("{table} FINAL")).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_frozen_and_started_again_it_holds_each_event_once() {
    let Some(mut server) = Server::own() else { return };
    let settings = ClickHouseSettings { request_timeout: Duration::from_secs(1), ..server.settings() };
    let table = settings.table.clone();
    let sink = Arc::new(ClickHouseSink::start(settings).unwrap());
    sink.check().await.unwrap();
    // Out of order, four at once.
    let loader = |worker: u64| {
        let sink = sink.clone();
        tokio::spawn(async move {
            for number in (0..60).rev() {
                let first = (number * 4 + worker) * 200;
                deliver(&sink, &batch("p", events(first..first + 200))).await;
            }
        })
    };
    let loaders: Vec<_> = (0..4).map(loader).collect();
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.service().kill9();
        server.service().restart();
        tokio::time::sleep(Duration::from_millis(300)).await;
        // For longer than a request may take, so that what it holds is sent again and carried out twice.
        server.service().freeze();
        tokio::time::sleep(Duration::from_millis(1500)).await;
        server.service().thaw();
    }
    for loader in loaders {
        loader.await.unwrap();
    }
    assert_each_once(&server, &table, 48_000).await;
    a_token_holds_over_a_kill(&mut server).await;
}

async fn a_token_holds_over_a_kill(server: &mut Server) {
    let settings = server.settings();
    let table = settings.table.clone();
    let batch = batch("p", events(0..1000));
    deliver(&ClickHouseSink::start(settings.clone()).unwrap(), &batch).await;
    server.service().kill9();
    server.service().restart();
    deliver(&ClickHouseSink::start(settings).unwrap(), &batch).await;
    assert_each_once(server, &table, 1000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_leaves_each_event_once() {
    let Some(server) = Server::start() else { return };
    let proxy = LossyProxy::before(server.url()).await;
    let direct = server.settings();
    let table = direct.table.clone();
    ClickHouseSink::start(direct.clone()).unwrap().check().await.unwrap();
    let urls = vec![format!("http://127.0.0.1:{}", proxy.port)];
    let sink = ClickHouseSink::start(ClickHouseSettings { urls, ..direct }).unwrap();
    sink.check().await.unwrap();
    proxy.loses.store(true, Ordering::Relaxed);
    let batches: Vec<Batch> =
        (0..8).map(|number| batch("p", events(number * 500..(number + 1) * 500))).collect();
    for answer in join_all(batches.iter().map(|batch| sink.deliver(batch))).await {
        assert!(matches!(answer, Err(SinkError::Retry { .. })), "{answer:?}");
    }
    assert!(proxy.lost.load(Ordering::Relaxed) >= 8, "all answers were lost");
    assert_each_once(&server, &table, 4000).await;
    proxy.loses.store(false, Ordering::Relaxed);
    for batch in batches.iter().rev() {
        deliver(&sink, batch).await;
    }
    assert_each_once(&server, &table, 4000).await;
}

/// Hands on everything, and while it is told to, ends the connection in place of an answer.
struct LossyProxy {
    port: u16,
    loses: Arc<AtomicBool>,
    lost: Arc<AtomicUsize>,
}

impl LossyProxy {
    async fn before(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (loses, lost) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let target = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let flags = (loses.clone(), lost.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(hand_on(client, target.clone(), flags.clone()));
            }
        });
        Self { port, loses, lost }
    }
}

async fn hand_on(client: TcpStream, target: String, (loses, lost): (Arc<AtomicBool>, Arc<AtomicUsize>)) {
    let server = TcpStream::connect(target).await.unwrap();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let asking = tokio::spawn(async move { copy(&mut from_client, &mut to_server).await });
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from_server.read(&mut buffer).await {
        if loses.load(Ordering::Relaxed) {
            lost.fetch_add(1, Ordering::Relaxed);
            break;
        }
        if to_client.write_all(&buffer[..length]).await.is_err() {
            break;
        }
    }
    asking.abort();
}
