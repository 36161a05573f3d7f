//! What RabbitMQ will not do, and what is said of it.

use std::time::Duration;

use weir_connect::rabbitmq::lapin::types::AMQPValue;
use weir_core::sink::{Receipt, Sink, SinkError, Verdict};
use weir_core::testkit::sink::batch;
use weir_sinks::rabbitmq::RabbitSettings;
use weir_sinks::tls::TlsSettings;

use crate::authority::Authority;
use crate::brokers::{blocked, events};
use crate::rabbitmq::server::Server;
use crate::rabbitmq::{SUITE, settings, start};

#[track_caller]
fn retry(result: Result<Receipt, SinkError>) -> String {
    let Err(SinkError::Retry { cause, .. }) = result else { panic!("{result:?}") };
    format!("{cause:#}")
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_let_in_is_told_what_to_do() {
    let Some(server) = Server::start(SUITE, &[]) else { return };
    server.make_queue("events", &[]).await;
    let port = server.port();
    let with = |login: &str, vhost: &str| {
        let url = format!("amqp://{login}@127.0.0.1:{port}/{vhost}");
        start(&RabbitSettings { url, ..settings(&server) })
    };
    let beside = RabbitSettings {
        url: format!("amqp://weir@127.0.0.1:{port}"),
        password: Some("weir-password".to_owned()),
        ..settings(&server)
    };
    start(&beside).check().await.unwrap();
    let said = blocked(with("weir:hunter2", "").check().await);
    assert!(said.contains("user and password in `url`") && !said.contains("hunter2"), "{said}");
    let said = blocked(with("weir:weir-password", "other").check().await);
    assert!(said.contains("vhost"), "{said}");
    let said = blocked(with("guest:guest-password", "").deliver(&batch("guest", events(0..1))).await);
    assert!(said.contains("set_permissions"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_that_is_missing_or_another_waits_for_a_person() {
    let Some(server) = Server::start(SUITE, &[]) else { return };
    let with = |exchange: &str, declare: Option<&str>| {
        let (exchange, declare) = (exchange.to_owned(), declare.map(str::to_owned));
        start(&RabbitSettings { exchange, declare, ..settings(&server) })
    };
    let sink = with("shop", None);
    assert!(blocked(sink.check().await).contains("make it, or set `declare`"));
    let first = batch("exchange", events(0..1));
    assert!(blocked(sink.deliver(&first).await).contains("make it, or set `declare`"));
    assert!(blocked(with("amq.topic", Some("direct")).check().await).contains("declared otherwise"));
    with("shop", Some("fanout")).check().await.unwrap();
    server.make_queue("all", &[]).await;
    server.bind("all", "shop", "").await;
    sink.deliver(&first).await.unwrap();
    assert_eq!(server.messages("all").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_gone_makes_dead_letters_until_it_is_back() {
    let Some(server) = Server::start(SUITE, &[]) else { return };
    let sink = start(&settings(&server));
    let receipt = sink.deliver(&batch("none", events(0..3))).await.unwrap();
    let is_unroutable =
        |verdict: &Verdict| matches!(verdict, Verdict::Refused(refusal) if refusal.reason == "unroutable");
    assert!(
        receipt.exceptions.len() == 3 && receipt.exceptions.iter().all(|one| is_unroutable(&one.verdict))
    );
    server.make_queue("events", &[]).await;
    assert_eq!(sink.deliver(&batch("there", events(3..6))).await.unwrap().exceptions, []);
    assert_eq!(server.messages("events").await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_full_is_asked_again_later() {
    let Some(server) = Server::start(SUITE, &[]) else { return };
    let full = [
        ("x-max-length", AMQPValue::LongInt(2)),
        ("x-overflow", AMQPValue::LongString("reject-publish".into())),
    ];
    server.make_queue("events", &full).await;
    let sink = start(&settings(&server));
    sink.deliver(&batch("full", events(0..2))).await.unwrap();
    assert!(retry(sink.deliver(&batch("full", events(2..4))).await).contains("nack"));
    server.take("events");
    server.take("events");
    sink.deliver(&batch("full", events(2..4))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_away_or_frozen_is_asked_again_later() {
    let Some(mut server) = Server::start(SUITE, &[]) else { return };
    server.make_queue("events", &[]).await;
    let sink = start(&RabbitSettings { request_timeout: Duration::from_secs(2), ..settings(&server) });
    sink.deliver(&batch("before", events(0..3))).await.unwrap();
    // A queue that was made just before a kill is one that RabbitMQ itself may forget.
    tokio::time::sleep(Duration::from_secs(6)).await;
    server.freeze();
    assert!(retry(sink.deliver(&batch("frozen", events(3..6))).await).contains("no answer within 2s"));
    server.kill9();
    retry(sink.deliver(&batch("frozen", events(3..6))).await);
    server.restart();
    start(&settings(&server)).deliver(&batch("frozen", events(3..6))).await.unwrap();
    // What was confirmed has outlived the server.
    assert_eq!(server.messages("events").await.len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_without_memory_is_told_from_one_that_is_away() {
    let Some(server) = Server::start(SUITE, &["--set", "vm_memory_high_watermark.absolute = 1MB"]) else {
        return;
    };
    server.make_queue("events", &[]).await;
    let sink = start(&RabbitSettings { request_timeout: Duration::from_secs(3), ..settings(&server) });
    let said = retry(sink.deliver(&batch("full", events(0..1))).await);
    assert!(said.contains("its memory or its disk is full"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused_and_its_neighbours_come_again() {
    let Some(server) = Server::start(SUITE, &["--set", "max_message_size = 65536"]) else { return };
    server.make_queue("events", &[]).await;
    let sink = start(&settings(&server));
    let mut records = events(0..3);
    records[1].event.body = format!(r#"{{"page":"/","event":"{}"}}"#, "x".repeat(70_000)).into();
    let receipt = sink.deliver(&batch("large", records)).await.unwrap();
    let refused: Vec<_> = receipt
        .exceptions
        .iter()
        .filter_map(|one| match &one.verdict {
            Verdict::Refused(refusal) => Some((one.index, refusal.reason.as_str())),
            Verdict::Retry(_) => None,
        })
        .collect();
    assert_eq!(refused, [(1, "too_large")]);
    assert_eq!(sink.deliver(&batch("small", events(3..4))).await.unwrap().exceptions, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn by_tls_only_a_server_is_spoken_to_that_our_authority_vouches_for() {
    let (authority, another) = (Authority::new(), Authority::new());
    let (certificate, key) = authority.issue("rabbit.example");
    let options = ["--tls", certificate.to_str().unwrap(), key.to_str().unwrap()];
    let Some(server) = Server::start(SUITE, &options) else { return };
    let with = |ca, name: Option<&str>| {
        let tls =
            TlsSettings { ca: Some(ca), server_name: name.map(str::to_owned), ..TlsSettings::default() };
        let url = format!("amqps://weir:weir-password@127.0.0.1:{}", server.port());
        start(&RabbitSettings { url, tls, ..settings(&server) })
    };
    with(authority.ca(), Some("rabbit.example")).check().await.unwrap();
    for distrusted in [with(authority.ca(), None), with(another.ca(), Some("rabbit.example"))] {
        assert!(blocked(distrusted.check().await).contains("tls.ca"));
    }
}
