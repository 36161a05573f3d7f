//! What Redis will not do, and what is said of it.

use std::time::Duration;

use weir_core::sink::{Sink, SinkError};
use weir_core::testkit::sink::batch;
use weir_sinks::redis::RedisSettings;
use weir_sinks::tls::TlsSettings;

use crate::authority::Authority;
use crate::brokers::{blocked, events};
use crate::redis::server::Server;
use crate::redis::{SUITE, settings, start};

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_let_in_is_told_what_to_do() {
    let Some(server) = Server::start(SUITE, &["--password"]) else { return };
    let port = server.port();
    let with = |login: &str| {
        start(&RedisSettings { url: format!("redis://{login}127.0.0.1:{port}"), ..settings(&server) })
    };
    with("weir:weir-password@").check().await.unwrap();
    let beside = RedisSettings {
        url: format!("redis://weir@127.0.0.1:{port}"),
        password: Some("weir-password".to_owned()),
        ..settings(&server)
    };
    start(&beside).check().await.unwrap();
    for login in ["", "weir:hunter2@", "nobody:hunter2@"] {
        let said = blocked(with(login).check().await);
        assert!(said.contains("user and password in `url`") && !said.contains("hunter2"), "{said}");
    }
    let said = blocked(with("guest:guest-password@").deliver(&batch("guest", events(0..1))).await);
    assert!(said.contains("ACL SETUSER"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_no_stream_waits_for_a_person() {
    let Some(server) = Server::start(SUITE, &[]) else { return };
    server.ask(&["SET", "events", "x"]);
    let sink = start(&settings(&server));
    assert!(blocked(sink.check().await).contains("choose another, or delete it"));
    let first = batch("type", events(0..3));
    assert!(blocked(sink.deliver(&first).await).contains("choose another, or delete it"));
    server.ask(&["DEL", "events"]);
    assert_eq!(sink.deliver(&first).await.unwrap().duplicates, 0);
    assert_eq!(server.entries("events").len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_away_frozen_or_full_is_asked_again_later() {
    let Some(mut server) = Server::start(SUITE, &["--set", "maxmemory-policy noeviction"]) else { return };
    let sink = start(&RedisSettings { request_timeout: Duration::from_millis(500), ..settings(&server) });
    let retry = |result: Result<_, SinkError>| match result {
        Err(SinkError::Retry { cause, .. }) => format!("{cause:#}"),
        other => panic!("{other:?}"),
    };
    let first = batch("away", events(0..3));
    server.freeze();
    assert!(retry(sink.deliver(&first).await).contains("no answer within 500ms"));
    server.kill9();
    retry(sink.deliver(&first).await);
    server.restart();
    server.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    assert!(retry(sink.deliver(&first).await).contains("OOM"));
    server.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    sink.deliver(&first).await.unwrap();
    assert_eq!(server.entries("events").len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused_so_that_the_guilty_can_be_found() {
    let Some(server) = Server::start(SUITE, &["--set", "proto-max-bulk-len 1mb"]) else { return };
    let sink = start(&settings(&server));
    let mut records = events(0..2);
    records[1].event.body = format!(r#"{{"page":"/","event":"{}"}}"#, "x".repeat(2 << 20)).into();
    let large = batch("large", records);
    // Redis answers and hangs up with bytes still on their way: now and then that reset overtakes the answer. Then the
    // batch comes again, as in a delivery.
    let mut result = sink.deliver(&large).await;
    for _ in 0..20 {
        let Err(SinkError::Retry { cause, .. }) = &result else { break };
        assert!(format!("{cause:#}").contains("reset"), "{cause:#}");
        result = sink.deliver(&large).await;
    }
    let Err(SinkError::Refused(refusal)) = result else { panic!("{result:?}") };
    assert_eq!(refusal.reason, "refused_by_broker");
    sink.deliver(&batch("small", events(0..1))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn by_tls_only_a_server_is_spoken_to_that_our_authority_vouches_for() {
    let (authority, another) = (Authority::new(), Authority::new());
    let (certificate, key) = authority.issue("redis.example");
    let options = ["--tls", certificate.to_str().unwrap(), key.to_str().unwrap()];
    let Some(server) = Server::start(SUITE, &options) else { return };
    let with = |ca, name: Option<&str>| {
        let tls =
            TlsSettings { ca: Some(ca), server_name: name.map(str::to_owned), ..TlsSettings::default() };
        start(&RedisSettings {
            url: format!("rediss://127.0.0.1:{}", server.port()),
            tls,
            ..settings(&server)
        })
    };
    with(authority.ca(), Some("redis.example")).check().await.unwrap();
    for distrusted in [with(authority.ca(), None), with(another.ca(), Some("redis.example"))] {
        assert!(blocked(distrusted.check().await).contains("tls.ca"));
    }
}
