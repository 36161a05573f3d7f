//! What is wrong with the server is tried again, what is wrong with an event is refused, what only a person can mend is
//! said; and nothing waits for ever.

use std::time::Duration;

use weir_core::sink::{Receipt, Sink, SinkError};
use weir_core::testkit::sink::batch;
use weir_sinks::postgres::PostgresSettings;

use crate::postgres::server::Server;
use crate::postgres::{SUITE, assert_blocked, assert_retry, events, settings, start};

const NOW: &str = "2026-01-01T00:00:00Z";

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_frozen_killed_and_started_again_holds_each_event_once() {
    let Some(mut server) = Server::of_our_own(SUITE, None) else { return };
    let statement_timeout = Duration::from_secs(1);
    let sink = start(&PostgresSettings { statement_timeout, ..settings(&server, "rough") });
    let batches: Vec<_> = (0..6).map(|part| batch("p", events(part * 50..part * 50 + 50, NOW))).collect();
    assert_eq!(sink.deliver(&batches[0]).await.unwrap(), Receipt::default());

    server.service().freeze();
    let told = assert_retry(sink.deliver(&batches[1]).await);
    assert!(told.contains("no answer within"), "{told}");
    server.service().thaw();
    again(&sink, &batches[1]).await;

    server.service().kill9();
    assert_retry(sink.deliver(&batches[2]).await);
    server.service().restart();
    for batch in &batches {
        again(&sink, batch).await;
    }
    assert_eq!(server.count("rough").await, (300, 300));
}

/// As delivery does it.
async fn again(sink: &impl Sink, batch: &weir_core::sink::Batch) {
    for _ in 0..100 {
        match sink.deliver(batch).await {
            Ok(receipt) => return assert!(receipt.exceptions.is_empty(), "{receipt:?}"),
            Err(SinkError::Retry { .. }) => tokio::time::sleep(Duration::from_millis(100)).await,
            Err(other) => panic!("{other}"),
        }
    }
    panic!("it never went well");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_says_decides() {
    let Some(server) = Server::of_our_own(SUITE, None) else { return };
    an_event_that_the_server_refuses_is_refused_with_its_code_and_words(&server).await;
    a_unique_index_of_somebody_elses_refuses_and_loses_nothing(&server).await;
    missing_rights_block_until_they_are_given(&server).await;
    what_is_wrong_with_the_address_is_said_without_the_password(&server).await;
    a_statement_that_takes_too_long_is_ended_by_the_server(&server).await;
    no_more_connections_are_open_than_are_allowed(&server).await;
}

async fn an_event_that_the_server_refuses_is_refused_with_its_code_and_words(server: &Server) {
    let sink = start(&settings(server, "checked"));
    sink.check().await.unwrap();
    server.tell("ALTER TABLE checked ADD CONSTRAINT no_417 CHECK (label <> 'l417')").await;
    let records = events(0..1000, NOW);
    let whole = sink.deliver(&batch("p", records.clone())).await;
    let Err(SinkError::Refused(refusal)) = whole else { panic!("{whole:?}") };
    assert_eq!(refusal.reason, "23514");
    assert!(refusal.detail.contains("no_417"), "{}", refusal.detail);
    assert_eq!(server.count("checked").await, (0, 0), "nothing of a refused batch is stored");
    // Divided as delivery does it, the guilty one stands alone in the end.
    let (mut waiting, mut dead) = (vec![records], Vec::new());
    while let Some(mut part) = waiting.pop() {
        match sink.deliver(&batch("p", part.clone())).await {
            Ok(receipt) => assert_eq!(receipt, Receipt::default()),
            Err(SinkError::Refused(_)) if part.len() == 1 => dead.push(part[0].offset.0),
            Err(SinkError::Refused(_)) => {
                waiting.push(part.split_off(part.len() / 2));
                waiting.push(part);
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!((dead, server.count("checked").await), (vec![417], (999, 999)));
}

async fn a_unique_index_of_somebody_elses_refuses_and_loses_nothing(server: &Server) {
    let sink = start(&settings(server, "unique_label"));
    sink.check().await.unwrap();
    server.tell("CREATE UNIQUE INDEX ON unique_label_2026_01 (label)").await;
    assert_eq!(sink.deliver(&batch("p", events(0..1, NOW))).await.unwrap(), Receipt::default());
    let mut records = events(1..2, NOW);
    records[0].event.body = br#"{"page":"p","event":"e","label":"l0"}"#.to_vec().into();
    let result = sink.deliver(&batch("p", records)).await;
    let Err(SinkError::Refused(refusal)) = result else { panic!("{result:?}") };
    assert_eq!(refusal.reason, "23505");
}

async fn missing_rights_block_until_they_are_given(server: &Server) {
    let sink = start(&settings(server, "rights"));
    sink.check().await.unwrap();
    server.tell("REVOKE INSERT ON rights FROM weir; ALTER TABLE rights OWNER TO postgres").await;
    let batch = batch("p", events(0..10, NOW));
    assert_blocked(sink.deliver(&batch).await, &["42501", "give the user of `url` the right"]);
    assert_blocked(sink.deliver(&batch).await, &["42501"]);
    server.tell("GRANT SELECT, INSERT, UPDATE ON rights TO weir").await;
    assert_eq!(sink.deliver(&batch).await.unwrap(), Receipt::default());
}

async fn what_is_wrong_with_the_address_is_said_without_the_password(server: &Server) {
    let at = |from: &str, to: &str| {
        start(&PostgresSettings { url: server.url().replace(from, to), ..settings(server, "address") })
    };
    let told = assert_blocked(at("weir-password", "hunter2").check().await, &["28P01", "user and password"]);
    assert!(!told.contains("hunter2"), "{told}");
    let told = assert_blocked(at("/weir?", "/nowhere?").check().await, &["3D000", "make the database"]);
    assert!(!told.contains("weir-password"), "{told}");
    assert_blocked(at(":weir-password@", "@").check().await, &["asks for a password"]);
    assert_blocked(
        at("sslmode=disable", "sslmode=require").check().await,
        &["does not support TLS", "sslmode=disable"],
    );
    assert_retry(at(&server.port().to_string(), "1").check().await);
    let beside = PostgresSettings {
        url: server.url().replace(":weir-password@", "@"),
        password: Some("weir-password".to_owned()),
        ..settings(server, "address")
    };
    start(&beside).check().await.unwrap();
}

async fn a_statement_that_takes_too_long_is_ended_by_the_server(server: &Server) {
    let statement_timeout = Duration::from_millis(500);
    let sink = start(&PostgresSettings { statement_timeout, ..settings(server, "held") });
    sink.check().await.unwrap();
    let holder = server.admin().await;
    holder.batch_execute("BEGIN; LOCK TABLE held").await.unwrap();
    let batch = batch("p", events(0..10, NOW));
    let told = assert_retry(sink.deliver(&batch).await);
    assert!(told.contains("57014"), "{told}");
    holder.batch_execute("COMMIT").await.unwrap();
    assert_eq!(sink.deliver(&batch).await.unwrap(), Receipt::default());
}

async fn no_more_connections_are_open_than_are_allowed(server: &Server) {
    let sink = start(&PostgresSettings { pool_max_connections: 2, ..settings(server, "pooled") });
    sink.check().await.unwrap();
    // Everybody who comes stays until the lock is gone.
    let holder = server.admin().await;
    holder.batch_execute("BEGIN; LOCK TABLE pooled").await.unwrap();
    let batches: Vec<_> = (0..8).map(|part| batch("p", events(part * 10..part * 10 + 10, NOW))).collect();
    let deliveries = futures::future::join_all(batches.iter().map(|batch| sink.deliver(batch)));
    let look = async {
        let count = "SELECT count(*)::text FROM pg_stat_activity WHERE application_name = 'weir' AND query LIKE '%pooled%'";
        tokio::time::sleep(Duration::from_millis(300)).await;
        let open = server.ask(count).await;
        holder.batch_execute("COMMIT").await.unwrap();
        open
    };
    let (receipts, open) = tokio::join!(deliveries, look);
    assert!(receipts.iter().all(Result::is_ok), "{receipts:?}");
    assert_eq!((open, server.count("pooled").await), (vec!["2".to_owned()], (80, 80)));
}
