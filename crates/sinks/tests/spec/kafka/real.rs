//! Against a real node: the contract, and what a message looks like.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use weir_core::event::Origin;
use weir_core::sink::{Receipt, Sink, SinkError, Verdict};
use weir_core::testkit::record;
use weir_core::testkit::sink::{batch, contract};
use weir_core::time::Timestamp;
use weir_sinks::kafka::{CreateTopics, Format, KafkaSettings};

use crate::kafka::probe::{KafkaProbe, arrived};
use crate::kafka::server::{Seen, Server, page};
use crate::kafka::{assert_blocked, events, start};

const SUITE: &str = "Kafka sink against a real node";
/// The suite's largest events are more than the brokers' default allows.
const LARGE: &str = "2000000";

#[tokio::test(flavor = "multi_thread")]
async fn a_real_node() {
    let Some(server) = Server::start(SUITE) else { return };
    it_keeps_the_contract_of_a_sink(&server).await;
    without_transactions_events_are_stored_all_the_same(&server).await;
    an_event_comes_out_as_it_went_in(&server).await;
    events_of_one_key_keep_their_order_in_one_partition(&server).await;
    topics_are_named_after_events_and_made_when_that_is_asked_for(&server).await;
    a_message_that_is_too_large_is_refused_alone(&server).await;
    a_missing_topic_is_told_and_delivered_to_once_it_is_there(&server).await;
}

async fn it_keeps_the_contract_of_a_sink(server: &Server) {
    server.make("contract", 3, &[("max.message.bytes", LARGE)]).await;
    let mut settings = KafkaSettings { key: Some("{user_id}".to_owned()), ..server.settings("contract") };
    settings.connection.own.insert("message.max.bytes".to_owned(), LARGE.to_owned());
    contract(&start(&settings), &KafkaProbe { server, topic: "contract" }).await;
}

async fn without_transactions_events_are_stored_all_the_same(server: &Server) {
    server.make("plain", 3, &[]).await;
    let sink = start(&KafkaSettings { exactly_once: Some(false), ..server.settings("plain") });
    sink.check().await.unwrap();
    assert_eq!(sink.deliver(&batch("p", events(0..500))).await.unwrap(), Receipt::default());
    assert_eq!(server.pages("plain"), (0..500).collect::<Vec<_>>());
    // A repeat is there beside the first, under the same id.
    sink.deliver(&batch("p", events(0..1))).await.unwrap();
    let seen = server.read("plain");
    let ids: Vec<_> = seen.iter().filter(|seen| page(seen) == 0).map(|seen| seen.header("id")).collect();
    assert!(ids.len() == 2 && ids[0] == ids[1], "{ids:?}");
}

async fn an_event_comes_out_as_it_went_in(server: &Server) {
    let mut sent = record(3, "actions", 0);
    sent.event.body = r#"{"log_id":"c-1","n":1.50e400,"user_id":"alice","param":{"a":[1, 2]}}"#.into();
    sent.event.occurred_at = Timestamp::parse("1969-12-31T23:59:59.999999Z").unwrap();
    sent.event.client_id = Some("c-1".into());
    sent.event.user_id = Some("alice".into());
    sent.origin = Arc::new(Origin {
        credential: String::new(),
        user_id: Some("subject".to_owned()),
        device_uuid: Some("d".to_owned()),
        app_version: Some("1.0".to_owned()),
        os_version: Some("os 2".to_owned()),
        user_agent: Some("agent/3 (é)".to_owned()),
        client_ip: Some("2001:db8::1".to_owned()),
    });
    for (format, topic) in [(Format::Json, "json"), (Format::Raw, "raw")] {
        server.make(topic, 1, &[]).await;
        let sink = start(&KafkaSettings { format, ..server.settings(topic) });
        assert_eq!(sink.deliver(&batch("p", vec![sent.clone()])).await.unwrap(), Receipt::default());
        let seen = server.read(topic);
        let brought = arrived(&seen[0]);
        let members = |body: &[u8]| serde_json::from_slice::<BTreeMap<String, serde_json::Value>>(body).ok();
        assert_eq!(
            brought.event,
            weir_core::event::Event { body: brought.event.body.clone(), ..sent.event.clone() }
        );
        assert_eq!((&brought.origin, brought.received_at), (&sent.origin, sent.received_at));
        assert_eq!(members(&brought.event.body), members(&sent.event.body));
        assert_eq!(seen[0].header("content-type"), Some("application/json"));
        assert_eq!(seen[0].key, None);
        let own_form = seen[0].value().as_bytes() == sent.event.body.as_ref();
        assert_eq!(own_form, format == Format::Raw);
    }
}

async fn events_of_one_key_keep_their_order_in_one_partition(server: &Server) {
    server.make("order", 4, &[]).await;
    let sink = start(&KafkaSettings { key: Some("{event}".to_owned()), ..server.settings("order") });
    for first in (0..3_000).step_by(500) {
        sink.deliver(&batch("p", events(first..first + 500))).await.unwrap();
    }
    let mut by_key: BTreeMap<String, Vec<(i32, u64)>> = BTreeMap::new();
    for seen in server.read("order") {
        by_key.entry(seen.key.clone().unwrap()).or_default().push((seen.partition, page(&seen)));
    }
    assert_eq!(by_key.keys().collect::<Vec<_>>(), ["buy", "click", "view"]);
    for (key, seen) in by_key {
        assert!(seen.windows(2).all(|pair| pair[0].0 == pair[1].0 && pair[0].1 < pair[1].1), "{key}");
        assert_eq!(seen.len(), 1_000, "{key}");
    }
}

async fn topics_are_named_after_events_and_made_when_that_is_asked_for(server: &Server) {
    let create_topics = Some(CreateTopics { partitions: Some(5), replication: Some(1) });
    let settings = KafkaSettings { create_topics, topics_max: 2, ..server.settings("made.{event}") };
    let receipt = start(&settings).deliver(&batch("p", events(0..9))).await.unwrap();
    let refused: Vec<usize> = receipt.exceptions.iter().map(|exception| exception.index).collect();
    assert_eq!(refused, [2, 5, 8], "a third topic is one too many");
    assert_eq!(server.pages("made.click"), [0, 3, 6]);
    assert_eq!(server.pages("made.view"), [1, 4, 7]);

    let mut strange = events(9..11);
    strange[0].event.body = r#"{"page":"/9","event":"no topic"}"#.into();
    strange[1].event.body = r#"{"page":"/10"}"#.into();
    let receipt = start(&settings).deliver(&batch("p", strange)).await.unwrap();
    let reasons = receipt.exceptions.iter().map(|exception| match &exception.verdict {
        Verdict::Refused(refusal) => refusal.reason.as_str(),
        Verdict::Retry(words) => panic!("{words}"),
    });
    assert_eq!(reasons.collect::<Vec<_>>(), ["no_topic", "no_topic"]);
}

async fn a_message_that_is_too_large_is_refused_alone(server: &Server) {
    server.make("small", 1, &[("max.message.bytes", "2000")]).await;
    let settings = server.settings("small");
    // By what librdkafka is told.
    let mut told = settings.clone();
    told.connection.own.insert("message.max.bytes".to_owned(), "2000".to_owned());
    let mut records = events(0..20);
    records[7].event.body = format!(r#"{{"page":"/7","event":"{}"}}"#, "x".repeat(3_000)).into();
    let receipt = start(&told).deliver(&batch("told", records.clone())).await.unwrap();
    assert_eq!(receipt.exceptions.iter().map(|exception| exception.index).collect::<Vec<_>>(), [7]);
    // By what only the broker knows: the batch is given back, to be divided until the guilty one stands alone.
    let sink = start(&settings);
    let answer = sink.deliver(&batch("untold", records.clone())).await;
    assert!(
        matches!(&answer, Err(SinkError::Refused(refusal)) if refusal.reason == "message_too_large"),
        "{answer:?}"
    );
    let receipt = sink.deliver(&batch("untold", records[7..8].to_vec())).await.unwrap();
    let Verdict::Refused(refusal) = &receipt.exceptions[0].verdict else { panic!("{receipt:?}") };
    assert_eq!(refusal.reason, "message_too_large");
    // What is in order goes on.
    assert_eq!(sink.deliver(&batch("untold", records[8..10].to_vec())).await.unwrap(), Receipt::default());
    let expected = (0..7).chain(8..20).chain(8..10).collect::<std::collections::BTreeSet<u64>>();
    assert_eq!(server.read("small").iter().map(page).collect::<std::collections::BTreeSet<_>>(), expected);
}

async fn a_missing_topic_is_told_and_delivered_to_once_it_is_there(server: &Server) {
    for exactly_once in [None, Some(false)] {
        let topic = format!("missing-{}", exactly_once.is_some());
        let request_timeout = Duration::from_secs(6);
        let sink = start(&KafkaSettings { exactly_once, request_timeout, ..server.settings(&topic) });
        assert_blocked(sink.check().await, &[&topic, "create_topics"]);
        assert_blocked(sink.deliver(&batch("p", events(0..3))).await, &[&topic, "create_topics"]);
        server.make(&topic, 1, &[]).await;
        sink.check().await.unwrap();
        assert_eq!(sink.deliver(&batch("p", events(0..3))).await.unwrap(), Receipt::default());
        // It goes while a producer knows it.
        server.delete(&topic).await;
        assert!(sink.deliver(&batch("p", events(3..6))).await.is_err());
        server.make(&topic, 1, &[]).await;
        assert_eq!(sink.deliver(&batch("p", events(3..6))).await.unwrap(), Receipt::default());
        assert_eq!(server.read(&topic).iter().map(|seen: &Seen| page(seen)).collect::<Vec<_>>(), [3, 4, 5]);
    }
}
