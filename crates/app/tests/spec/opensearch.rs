//! A real OpenSearch that is killed, frozen, started again and cut off while events come in: in the end it holds each of
//! them once.

use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::harness::{Fault, FaultProxy, Load, OpenSearch, Sent, Setup, Weir};

const INDICES: &str = "events_*";
const DRAINED_WITHIN: Duration = Duration::from_secs(120);

/// Small batches and short pauses, so that much happens in little time.
const HASTY: &str = "environment = \"spec\"\n[sinks.opensearch]\nrequest_timeout = \"2s\"\n\
    [sinks.opensearch.batch]\nmax_age = \"50ms\"\nmax_events = 100\n\
    [sinks.opensearch.retry]\ninitial = \"20ms\"\nmax = \"500ms\"\n";

fn weir_into(url: &str) -> Weir {
    Weir::start(Setup::new().toml(HASTY).variable("OPEN_SEARCH_DNS", url))
}

fn load(name: &str) -> Load {
    Load::new(name).connections(2).events_per_request(10).pause(Duration::from_millis(20))
}

/// count = distinct = accepted.
#[track_caller]
fn assert_holds_each_once(server: &OpenSearch, weir: &Weir, sent: &Sent) {
    weir.drained("opensearch", DRAINED_WITHIN);
    let label = |document: &Value| document["_source"]["event_info"]["label"].as_str().unwrap().to_owned();
    sent.assert_stored_once(server.documents(INDICES).iter().map(label).collect());
    let metrics = weir.metrics();
    let account = metrics.account("opensearch");
    let duplicates = metrics.sum("weir_events_duplicate_total", &[("sink", "opensearch")]).unwrap();
    assert!(account.is_balanced() && account.dead == 0.0, "{account:?}");
    assert!(server.count(INDICES) as f64 <= account.accepted, "{account:?}");
    assert!(
        server.count(INDICES) as f64 >= account.delivered - duplicates,
        "{account:?}, duplicates: {duplicates}"
    );
}

#[test]
fn a_document_is_what_the_original_wrote_and_more() {
    let Some(server) = OpenSearch::start("opensearch") else { return };
    let weir = weir_into(&server.url());
    let event = r##"{"log_id":"12345","page":"/home","event":"click","label":"button_click","target":"#button_id",
        "section":"header","param":{"key1":"value1"},"occurred_at":"2026-11-22T09:00:00Z"}"##;
    let headers = [
        ("content-type", "application/json"),
        ("device-uuid", "d"),
        ("app-version", "1"),
        ("os-version", "2"),
    ];
    let answer = weir.post("/events", event, &headers).json();
    weir.drained("opensearch", DRAINED_WITHIN);

    let documents = server.documents(INDICES);
    assert_eq!(documents.len(), 1);
    let (document, source) = (&documents[0], &documents[0]["_source"]);
    assert_eq!(document["_id"], answer["ids"][0], "its id is the event's");
    let index = document["_index"].as_str().unwrap();
    let received_at = source["received_at"].as_str().unwrap();
    assert_eq!(index, format!("events_spec_{}", &received_at[..7]), "the month in which it was received");
    assert_eq!(source["device_uuid"], "d");
    assert_eq!(source["event_info"]["page"], "/home");
    assert_eq!(source["event_info"]["param"]["key1"], "value1");
    assert_eq!(source["log_id"], "12345");
    assert_eq!(source["occurred_at"], "2026-11-22T09:00:00.000000Z");
}

#[test]
fn killed_and_frozen_and_started_again_it_holds_each_event_once() {
    let Some(mut server) = OpenSearch::start("opensearch") else { return };
    let mut weir = weir_into(&server.url());
    let running = load("rough").start(&weir);
    sleep(Duration::from_secs(2));

    server.kill9();
    sleep(Duration::from_secs(1));
    server.restart();
    sleep(Duration::from_secs(2));

    // Longer than a request may take, so that batches are sent again that the server has and will carry out.
    server.freeze();
    sleep(Duration::from_secs(5));
    server.thaw();
    sleep(Duration::from_secs(1));

    server.freeze();
    sleep(Duration::from_secs(3));
    weir.kill9();
    server.thaw();
    weir.restart();
    sleep(Duration::from_secs(1));

    let sent = running.stop();
    assert_holds_each_once(&server, &weir, &sent);
}

#[test]
fn behind_a_network_that_breaks_it_holds_each_event_once() {
    let Some(server) = OpenSearch::start("opensearch") else { return };
    let proxy = FaultProxy::before(server.port());
    let weir = weir_into(&proxy.url());
    let running = load("broken").start(&weir);
    proxy.go_through(Fault::of_a_bad_day());
    let sent = running.stop();
    assert!(proxy.broken() > 6, "the faults were met: {}", proxy.broken());
    assert_holds_each_once(&server, &weir, &sent);
}
