//! From a POST to a row.

use std::time::Duration;

use serde_json::json;

use crate::harness::{Setup, Weir};

const SOON: Duration = Duration::from_secs(30);

#[test]
fn an_event_that_was_posted_is_a_row_with_all_it_said() {
    let weir = Weir::start(Setup::new());
    let event = json!({
        "log_id": "12345", "page": "/home", "event": "click", "label": "button_click", "target": "#button_id",
        "section": "header", "param": {"key1": "value1"}, "occurred_at": "2026-11-22T09:00:00Z", "colour": "blue",
    });
    let headers = [
        ("content-type", "application/json"),
        ("device-uuid", "device-1"),
        ("app-version", "1.2.3"),
        ("os-version", "17.1"),
        ("user-agent", "spec/1"),
    ];
    let answer = weir.post("/events", &event.to_string(), &headers);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["accepted"], 1);
    assert_eq!(answer.json()["rejected"], json!([]));

    weir.drained("sqlite", SOON);
    let columns =
        "event_id || '|' || stream || '|' || log_id || '|' || page || '|' || event || '|' || label || '|' ||
        target || '|' || section || '|' || json(param) || '|' || device_uuid || '|' || app_version || '|' ||
        os_version || '|' || user_agent || '|' || client_ip || '|' || occurred_at || '|' || json(extra)";
    let rows = weir.sqlite::<String>(&format!("select {columns} from events"));
    let id = answer.json()["ids"][0].as_str().unwrap().to_owned();
    let expected = format!(
        "{id}|events|12345|/home|click|button_click|#button_id|header|{{\"key1\":\"value1\"}}|device-1|1.2.3|17.1|spec/1|\
         127.0.0.1|1795338000000000|{{\"colour\":\"blue\"}}"
    );
    assert_eq!(rows, [expected]);
}

#[test]
fn a_bad_event_is_told_by_its_index_and_spoils_no_other() {
    let weir = Weir::start(Setup::new());
    let lines = "{\"page\":\"/a\",\"event\":\"x\"}\n{\"page\":\"/b\"}\n{\"page\":\"/c\",\"event\":\"x\"}\n";
    let answer = weir.post("/events", lines, &[("content-type", "application/x-ndjson")]);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let answer = answer.json();
    assert_eq!(answer["accepted"], 2);
    assert_eq!(answer["rejected"][0]["index"], 1);
    assert!(answer["rejected"][0]["detail"].as_str().unwrap().contains("event"), "{answer}");

    weir.drained("sqlite", SOON);
    assert_eq!(weir.sqlite::<String>("select page from events order by page"), ["/a", "/c"]);
}

#[test]
fn the_same_event_again_is_answered_like_the_first_and_stored_once() {
    let weir = Weir::start(Setup::new());
    let event = r#"{"log_id":"7","page":"/home","event":"click"}"#;
    let first = weir.accept(event).json();
    weir.drained("sqlite", SOON);
    let second = weir.accept(event).json();
    weir.drained("sqlite", SOON);

    assert_eq!(first, second);
    assert_eq!(weir.sqlite::<i64>("select count(*) from events"), [1]);
    let metrics = weir.metrics();
    assert_eq!(metrics.sum("weir_events_duplicate_total", &[("sink", "sqlite")]), Some(1.0));
    assert_eq!(metrics.sum("weir_events_delivered_total", &[("sink", "sqlite")]), Some(2.0));
}

#[test]
fn a_request_repeated_under_its_key_has_its_effect_once() {
    let weir = Weir::start(Setup::new());
    let headers = [("content-type", "application/json"), ("idempotency-key", "order-77")];
    let events = r#"[{"page":"/a","event":"x"},{"page":"/b","event":"x"}]"#;
    let first = weir.post("/events", events, &headers).json();
    let second = weir.post("/events", events, &headers).json();

    assert_eq!(first["ids"], second["ids"]);
    weir.drained("sqlite", SOON);
    assert_eq!(weir.sqlite::<String>("select page from events order by page"), ["/a", "/b"]);
}
