//! A real Redis that is killed, frozen and started again while events come in: in the end its stream holds each of them
//! once.

use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::harness::{Load, Redis, Setup, Weir};

const DRAINED_WITHIN: Duration = Duration::from_secs(120);

/// Small batches and short pauses, so that much happens in little time.
fn weir_into(server: &Redis) -> Weir {
    let toml = r#"
[sinks.queue]
type = "redis"
url = "env:REDIS_URL"
key = "clicks"
request_timeout = "2s"
batch = { max_age = "50ms", max_events = 100 }
retry = { initial = "20ms", max = "500ms" }
"#;
    Weir::start(Setup::new().toml(toml).variable("REDIS_URL", &server.url()))
}

#[test]
fn an_entry_holds_the_event_and_all_that_is_known_of_it() {
    let Some(server) = Redis::start("redis") else { return };
    let weir = weir_into(&server);
    let event = r#"{"log_id":"12345","page":"/home","event":"buy","param":{"price":12.50},"session":"s"}"#;
    let answer = weir.post("/events", event, &[("content-type", "application/json")]).json();
    weir.drained("queue", DRAINED_WITHIN);

    let entries = server.ask(&["XRANGE", "clicks", "-", "+"]);
    assert_eq!((&entries[0][1][0], &entries[0][1][1]), (&"id".into(), &answer["ids"][0]));
    let events = server.events("clicks");
    assert_eq!(events.len(), 1);
    let told = |name: &str| events[0][name].as_str().unwrap_or_default();
    assert_eq!(
        (told("log_id"), told("page"), told("session"), told("stream")),
        ("12345", "/home", "s", "events")
    );
    let shown = String::from_utf8(weir.run(&["config", "show"]).stdout).unwrap();
    assert!(shown.contains("redis") && !shown.contains("weir-password"), "{shown}");
}

#[test]
fn killed_and_frozen_and_started_again_it_holds_each_event_once() {
    let Some(mut server) = Redis::start("redis") else { return };
    let mut weir = weir_into(&server);
    let load = Load::new("rough").connections(2).events_per_request(10).pause(Duration::from_millis(20));
    let running = load.start(&weir);
    sleep(Duration::from_secs(1));

    server.kill9();
    sleep(Duration::from_secs(1));
    server.restart();
    sleep(Duration::from_secs(1));

    weir.kill9();
    weir.restart();
    sleep(Duration::from_secs(1));

    // Longer than a delivery may take, so that batches are sent again that the server has and will carry out.
    server.freeze();
    sleep(Duration::from_secs(5));
    server.thaw();
    sleep(Duration::from_secs(1));

    server.freeze();
    sleep(Duration::from_secs(1));
    weir.kill9();
    server.kill9();
    server.restart();
    weir.restart();
    sleep(Duration::from_secs(1));

    let sent = running.stop();
    weir.drained("queue", DRAINED_WITHIN);
    let account = weir.metrics().account("queue");
    assert!(account.is_balanced() && account.dead == 0.0, "{account:?}");
    let label = |event: &Value| event["label"].as_str().unwrap().to_owned();
    sent.assert_stored_once(server.events("clicks").iter().map(label).collect());
}
