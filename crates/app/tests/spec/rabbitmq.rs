//! A real RabbitMQ that is killed and started again while events come in: in the end its queue has held all of them.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::harness::{Load, RabbitMq, Setup, Weir, until};

const SOON: Duration = Duration::from_secs(60);
const DRAINED_WITHIN: Duration = Duration::from_secs(120);

/// Small batches and short pauses, so that much happens in little time.
fn weir_into(server: &RabbitMq) -> Weir {
    let toml = r#"
[sinks.queue]
type = "rabbitmq"
url = "env:RABBITMQ_URL"
routing_key = "clicks"
request_timeout = "5s"
batch = { max_age = "50ms", max_events = 100 }
retry = { initial = "20ms", max = "500ms" }
"#;
    Weir::start(Setup::new().toml(toml).variable("RABBITMQ_URL", &server.url()))
}

#[test]
fn a_message_holds_the_event_and_one_that_no_queue_takes_is_a_dead_letter() {
    let Some(server) = RabbitMq::start("rabbitmq") else { return };
    let weir = weir_into(&server);
    weir.accept(r#"{"log_id":"1","page":"/lost","event":"buy"}"#);
    let letters = || weir.get_json("/v1/dead-letters?sink=queue")["items"].as_array().unwrap().clone();
    until(SOON, "what no queue takes to be told", || letters().len() == 1);
    assert_eq!(letters()[0]["reason"], "unroutable");
    assert!(!weir.said().contains("/lost") && !weir.said().contains("returned"), "{}", weir.said());

    server.make_queue("clicks");
    weir.accept(r#"{"log_id":"2","page":"/home","event":"buy","session":"s"}"#);
    weir.drained("queue", DRAINED_WITHIN);
    let events = server.take_events("clicks");
    assert_eq!(events.len(), 1);
    let told = |name: &str| events[0][name].as_str().unwrap_or_default();
    assert_eq!(
        (told("log_id"), told("page"), told("session"), told("stream")),
        ("2", "/home", "s", "events")
    );
    let shown = String::from_utf8(weir.run(&["config", "show"]).stdout).unwrap();
    assert!(shown.contains("rabbitmq") && !shown.contains("weir-password"), "{shown}");
}

#[test]
fn killed_and_started_again_it_has_held_each_event_whose_copies_have_one_id() {
    let Some(mut server) = RabbitMq::start("rabbitmq") else { return };
    server.make_queue("clicks");
    let mut weir = weir_into(&server);
    let load = Load::new("rough").connections(1).events_per_request(5).pause(Duration::from_millis(100));
    let running = load.start(&weir);
    // RabbitMQ takes some seconds to put on disk that there is a queue.
    sleep(Duration::from_secs(6));

    server.kill9();
    server.restart();
    sleep(Duration::from_secs(1));

    weir.kill9();
    weir.restart();
    sleep(Duration::from_secs(1));

    let sent = running.stop();
    weir.drained("queue", DRAINED_WITHIN);
    let account = weir.metrics().account("queue");
    assert!(account.is_balanced() && account.dead == 0.0, "{account:?}");
    let text = |event: &Value, name: &str| event[name].as_str().unwrap().to_owned();
    let events = server.take_events("clicks");
    let once: BTreeMap<_, _> = events.iter().map(|event| (text(event, "id"), text(event, "label"))).collect();
    sent.assert_stored_once(once.into_values().collect());
}
