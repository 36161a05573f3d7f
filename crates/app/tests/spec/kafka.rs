//! Events go to real Kafka nodes, which are killed while they come in, as is Weir: in the end each is there once.

use std::thread::sleep;
use std::time::Duration;

use protox::Compiler;
use protox::prost_reflect::DynamicMessage;

use crate::harness::{Kafka, Load, Message, Order, Sent, Setup, Weir, until};

const SUITE: &str = "kafka";
/// As shipped.
const SCHEMAS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas");
const SOON: Duration = Duration::from_secs(30);
const DRAINED_WITHIN: Duration = Duration::from_secs(180);

/// Small batches and short pauses, so that much happens in little time.
fn weir_into(server: &Kafka, replication: usize) -> Weir {
    let bus = format!(
        "[sinks.bus]\ntype = \"kafka\"\nbrokers = \"{}\"\nkey = \"{{event}}\"\nrequest_timeout = \"8s\"\n\
         create_topics = {{ partitions = 3, replication = {replication} }}\n\
         kafka = {{ linger_ms = 1 }}\n\
         [sinks.bus.batch]\nmax_age = \"50ms\"\nmax_events = 100\n\
         [sinks.bus.retry]\ninitial = \"20ms\"\nmax = \"500ms\"\n",
        server.brokers()
    );
    Weir::start(Setup::new().toml(&bus))
}

/// accepted = distinct messages = messages, and what one client sent one after the other follows one another.
#[track_caller]
fn assert_holds_each_once_and_in_order(server: &Kafka, weir: &Weir, sent: &Sent) {
    weir.drained("bus", DRAINED_WITHIN);
    let account = weir.metrics().account("bus");
    assert!(account.is_balanced() && account.dead == 0.0, "{account:?}");
    let messages = server.read("events");
    assert_eq!(messages.len() as f64, account.accepted);
    let label = |message: &Message| message.value()["label"].as_str().unwrap().to_owned();
    let labels: Vec<String> = messages.iter().map(label).collect();
    sent.assert_stored_once(labels.clone());
    let mut order = Order::default();
    labels.iter().for_each(|label| order.follow(label));
}

#[test]
fn a_message_is_what_was_sent_with_what_is_known_of_it() {
    let Some(server) = Kafka::start(SUITE) else { return };
    let weir = weir_into(&server, 1);
    weir.accept(r#"{"log_id":"12345","page":"/home","event":"buy","param":{"price":12.50},"session":"s"}"#);
    weir.drained("bus", DRAINED_WITHIN);
    let messages = server.read("events");
    let [message] = messages.as_slice() else { panic!("{} messages", messages.len()) };
    let value = message.value();
    assert_eq!(message.key(), Some("buy"));
    assert_eq!((message.header("weir"), message.header("stream")), (Some("1"), Some("events")));
    for name in ["id", "occurred_at", "received_at", "log_id"] {
        assert_eq!(message.header(name), value[name].as_str(), "{name}");
        assert!(value[name].is_string(), "{name}: {value}");
    }
    assert_eq!((&value["page"], &value["session"]), (&"/home".into(), &"s".into()));
    assert!((0..3).contains(&message.partition()));
}

#[test]
fn an_event_of_store_is_the_protobuf_message_of_its_type_which_anybody_decodes() {
    let Some(server) = Kafka::start(SUITE) else { return };
    let weir = Weir::start(Setup::new().toml(format!(
        "[schemas]\ndir = \"{SCHEMAS}\"\n\
         [sinks.bus]\ntype = \"kafka\"\nbrokers = \"{}\"\nstreams = \"store\"\ntopic = \"event-messages\"\n\
         key = \"{{event}}\"\nformat = \"protobuf\"\ncreate_topics = {{ partitions = 1 }}\n",
        server.brokers()
    )));
    let event = r#"{"event_name":"TestEvent","data":{"user_id":"u","account_id":"é","user_role":"OWNER"},
        "context":{"sent_at":1701530942,"received_at":1701530943,"processed_at":1701530944,
        "message_id":"36eca638-4c0f-4d11-bc9b-cc2290851032","user_agent":"agent"}}"#;
    let answer = weir.post("/store", event, &[("content-type", "application/json")]);
    assert_eq!(answer.status, 204, "{}", answer.body);
    weir.drained("bus", DRAINED_WITHIN);
    let mut compiler = Compiler::new([SCHEMAS]).unwrap();
    let file = compiler.open_file("events/test_events.proto").unwrap().descriptor_pool();
    let kind = file.get_message_by_name("events.TestEvent").unwrap();
    let decoded = DynamicMessage::decode(kind, server.values("event-messages").as_slice()).unwrap();
    let text = |message: &DynamicMessage, field: &str| {
        message.get_field_by_name(field).unwrap().as_str().unwrap().to_owned()
    };
    assert_eq!([text(&decoded, "user_id"), text(&decoded, "account_id")], ["u", "é"]);
    assert_eq!(decoded.get_field_by_name("user_role").unwrap().as_enum_number(), Some(0));
    let context = decoded.get_field_by_name("context").unwrap().as_message().unwrap().clone();
    let times = ["sent_at", "received_at", "processed_at"]
        .map(|field| context.get_field_by_name(field).unwrap().as_i64().unwrap());
    assert_eq!(times, [1_701_530_942, 1_701_530_943, 1_701_530_944]);
    assert_eq!(text(&context, "message_id"), "36eca638-4c0f-4d11-bc9b-cc2290851032");
    assert_eq!(text(&context, "user_agent"), "agent");
    let message = &server.read("event-messages")[0];
    assert_eq!((message.key(), message.header("event_name")), (Some("TestEvent"), Some("TestEvent")));
    assert_eq!(message.header("content-type"), Some("application/x-protobuf"));
    assert_eq!(message.header("log_id"), Some("36eca638-4c0f-4d11-bc9b-cc2290851032"));
}

#[test]
fn killed_and_frozen_and_started_again_it_holds_each_event_once_and_in_order() {
    let Some(mut server) = Kafka::start(SUITE) else { return };
    let mut weir = weir_into(&server, 1);
    let load = Load::new("rough").connections(2).events_per_request(10).pause(Duration::from_millis(20));
    let running = load.start(&weir);
    sleep(Duration::from_secs(1));

    for _ in 0..3 {
        weir.kill9();
        weir.restart();
        sleep(Duration::from_millis(700));
    }
    server.node(0).kill9();
    sleep(Duration::from_secs(1));
    server.node(0).restart();
    sleep(Duration::from_secs(1));

    // Longer than a delivery may take.
    server.node(0).freeze();
    sleep(Duration::from_secs(10));
    weir.kill9();
    server.node(0).thaw();
    weir.restart();
    sleep(Duration::from_secs(1));

    let sent = running.stop();
    assert_holds_each_once_and_in_order(&server, &weir, &sent);
}

#[test]
fn with_the_broker_away_events_are_taken_in_at_no_cost_in_memory_and_follow_in_order_when_it_is_back() {
    let Some(mut server) = Kafka::start(SUITE) else { return };
    let weir = weir_into(&server, 1);
    let load = |name: &str, requests| {
        Load::new(name)
            .connections(2)
            .events_per_request(100)
            .padding_bytes(1_000)
            .requests(requests)
            .run(&weir)
    };
    let mut sent = load("before", 10);
    weir.drained("bus", DRAINED_WITHIN);
    server.node(0).kill9();
    // As much as its buffer is allowed to hold, and more.
    sent.add(load("first", 400));
    let held_bytes = weir.process().rss_bytes();
    sent.add(load("away", 600));
    let grown_bytes = weir.process().rss_bytes().saturating_sub(held_bytes);
    assert!(grown_bytes < 24 << 20, "{grown_bytes} bytes more for 60 MB of events");
    assert_eq!((sent.acknowledged.len(), sent.refused, sent.unanswered), (101_000, 0, 0));
    server.node(0).restart();
    assert_holds_each_once_and_in_order(&server, &weir, &sent);
}

#[test]
fn one_of_three_brokers_after_the_other_is_killed_and_nothing_is_lost_doubled_or_out_of_order() {
    let Some(mut server) = Kafka::start_three(SUITE) else { return };
    let weir = weir_into(&server, 3);
    let load = Load::new("three").connections(2).events_per_request(10).pause(Duration::from_millis(20));
    let running = load.start(&weir);
    for number in 0..3 {
        until(SOON, "events on their way", || running.acknowledged() > 100 * (number + 1));
        server.node(number).kill9();
        sleep(Duration::from_secs(2));
        server.node(number).restart();
        server.until_in_sync();
    }
    let sent = running.stop();
    assert_holds_each_once_and_in_order(&server, &weir, &sent);
}
