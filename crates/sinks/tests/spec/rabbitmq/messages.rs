//! What is published, and where to.

use weir_connect::rabbitmq::lapin::types::AMQPValue;
use weir_core::pieces::Pieces;
use weir_core::sink::{Sink, Verdict};
use weir_core::testkit::sink::batch;
use weir_core::transit::{Arrival, Before};
use weir_sinks::brokers::Format;
use weir_sinks::rabbitmq::RabbitSettings;

use crate::brokers::events;
use crate::rabbitmq::server::Server;
use crate::rabbitmq::{SUITE, settings, start};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_durable_and_tells_all_that_is_known_of_its_event() {
    let Some(server) = Server::start(SUITE, &[]) else { return };
    server.make_queue("events", &[]).await;
    let records = events(0..1);
    start(&settings(&server)).deliver(&batch("told", records.clone())).await.unwrap();
    let message = &server.messages("events").await[0];
    let properties = &message.properties;
    let id = properties.message_id().as_ref().unwrap();
    assert_eq!(
        (id.as_str(), *properties.delivery_mode()),
        (records[0].event.id.to_string().as_str(), Some(2))
    );
    let headers = properties.headers().as_ref().unwrap().inner().iter();
    let texts: Vec<_> = headers
        .filter_map(|(name, value)| Some((name.as_str(), value.as_long_string()?.as_bytes())))
        .collect();
    let credential = &records[0].origin.credential;
    let arrival = Arrival::read(texts.into_iter(), credential, &mut Before::default()).unwrap().unwrap();
    let arrived = arrival.record(records[0].offset, &message.data, &mut Pieces::default());
    assert_eq!(arrived.unwrap(), records[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_raw_message_is_the_event_as_it_came() {
    let Some(server) = Server::start(SUITE, &[]) else { return };
    server.make_queue("events", &[]).await;
    let sink = start(&RabbitSettings { format: Format::Raw, ..settings(&server) });
    let mut records = events(0..1);
    records[0].event.body = r#"{"page" : "/é","event":"buy","n":1.50}"#.into();
    sink.deliver(&batch("raw", records)).await.unwrap();
    assert_eq!(server.take("events"), r#"{"page" : "/é","event":"buy","n":1.50}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_is_made_and_routes_by_what_the_event_says() {
    let Some(server) = Server::start(SUITE, &[]) else { return };
    let sink = start(&RabbitSettings {
        exchange: "shop".to_owned(),
        declare: Some("topic".to_owned()),
        routing_key: "{stream}.{event}".to_owned(),
        ..settings(&server)
    });
    sink.check().await.unwrap();
    server.make_queue("clicks", &[]).await;
    server.bind("clicks", "shop", "*.click").await;
    let mut records = events(0..3);
    records[1].event.body = r#"{"page":"/","event":"buy"}"#.into();
    let receipt = sink.deliver(&batch("routed", records)).await.unwrap();
    // Nobody has asked for what was bought.
    let [exception] = &receipt.exceptions[..] else { panic!("{receipt:?}") };
    let Verdict::Refused(refusal) = &exception.verdict else { panic!("{receipt:?}") };
    assert_eq!((exception.index, refusal.reason.as_str()), (1, "unroutable"));
    assert!(refusal.detail.contains("events.buy") && refusal.detail.contains("shop"), "{}", refusal.detail);
    assert_eq!(server.messages("clicks").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quorum_queue_takes_them_as_well() {
    let Some(server) = Server::start(SUITE, &[]) else { return };
    server.make_queue("events", &[("x-queue-type", AMQPValue::LongString("quorum".into()))]).await;
    start(&settings(&server)).deliver(&batch("quorum", events(0..500))).await.unwrap();
    assert_eq!(server.messages("events").await.len(), 500);
}
