//! What a sink refused: looked at, sent again, thrown away.

use serde_json::{Value, json};

use super::here::Here;

/// As many refused events as asked for.
async fn with_letters(count: usize) -> Here {
    let here = Here::new().await;
    let lines: String = (0..count)
        .map(|n| format!("{{\"page\":\"/\",\"event\":\"e\",\"label\":\"refuse\",\"log_id\":\"{n}\"}}\n"))
        .collect();
    assert_eq!(here.post("/events", lines).await.json()["accepted"], count);
    here.all_settled().await;
    here
}

async fn numbers(here: &Here, query: &str) -> Vec<String> {
    let page = here.get(&format!("/v1/dead-letters{query}")).await.json();
    page["items"].as_array().unwrap().iter().map(|letter| letter["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_letter_has_the_event_the_sink_and_its_own_words() {
    let here = with_letters(1).await;
    let page = here.get("/v1/dead-letters").await.json();
    assert_eq!(page["next"], Value::Null);
    let letter = &page["items"][0];
    let members: Vec<&str> = letter.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "attempts", "bytes", "detail", "event", "event_id", "first_at", "id", "last_at", "reason", "sink",
        "source", "stream",
    ];
    assert_eq!(members, expected);
    assert_eq!((&letter["sink"], &letter["stream"]), (&json!("picky"), &json!("events")));
    assert_eq!((&letter["reason"], &letter["detail"]), (&json!("picky"), &json!("I do not like it")));
    assert_eq!((&letter["attempts"], &letter["event"]["log_id"]), (&json!(1), &json!("0")));
    assert_eq!((&letter["bytes"], &letter["source"]), (&Value::Null, &Value::Null));
    let id = letter["id"].as_str().unwrap();
    assert_eq!(here.get(&format!("/v1/dead-letters/{id}")).await.json(), *letter);
}

#[tokio::test(start_paused = true)]
async fn pages_go_on_at_their_cursor_until_all_were_seen_once() {
    let here = with_letters(130).await;
    let mut seen = Vec::new();
    let mut query = "?limit=60".to_owned();
    loop {
        let page = here.get(&format!("/v1/dead-letters{query}")).await.json();
        seen.extend(
            page["items"].as_array().unwrap().iter().map(|letter| letter["id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else { break };
        query = format!("?limit=60&cursor={next}");
    }
    assert_eq!(seen.len(), 130);
    let numbers: Vec<i64> = seen.iter().map(|id| id.parse().unwrap()).collect();
    assert!(numbers.is_sorted_by(|newer, older| newer > older));
    assert_eq!(here.get("/v1/dead-letters").await.json()["items"].as_array().unwrap().len(), 100);
}

#[tokio::test(start_paused = true)]
async fn letters_are_found_by_sink_stream_reason_and_time() {
    let here = with_letters(2).await;
    for (query, count) in [
        ("?sink=picky&stream=events&reason=picky", 2),
        ("?sink=other", 0),
        ("?stream=actions", 0),
        ("?reason=other", 0),
        ("?from=2026-01-01T00:00:00Z", 2),
        ("?from=2027-01-01T00:00:00Z", 0),
        ("?to=2026-01-01T00:00:00Z", 0),
    ] {
        assert_eq!(numbers(&here, query).await.len(), count, "{query}");
    }
    for query in
        ["?limit=0", "?limit=1001", "?limit=x", "?cursor=x", "?from=x", "?sinc=picky", "?sink=a&sink=b"]
    {
        let seen = here.get(&format!("/v1/dead-letters{query}")).await;
        assert_eq!((seen.status, seen.problem().as_str()), (400, "bad-query"), "{query}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_mended_sink_takes_a_letter_that_is_sent_again() {
    let here = with_letters(1).await;
    let id = numbers(&here, "").await.remove(0);
    here.sink.mend();
    let seen = here.call("POST", &format!("/v1/dead-letters/{id}/replay"), &[], "").await;
    assert_eq!((seen.status, seen.json()), (202, json!({ "resent": 1 })));
    here.all_settled().await;
    let standing = here.ledger.snapshot().sinks.remove(0);
    assert_eq!((standing.delivered, standing.dead, standing.pending), (1, 0, 0));
    assert_eq!(here.get(&format!("/v1/dead-letters/{id}")).await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn letters_are_sent_again_by_filter_and_a_slip_in_it_sends_nothing() {
    let here = with_letters(3).await;
    assert_eq!(here.post("/v1/dead-letters/replay", r#"{"sinc":"picky"}"#).await.status, 422);
    assert_eq!(here.post("/v1/dead-letters/replay", r#"{"sink":"picky""#).await.status, 400);
    assert_eq!(
        here.post("/v1/dead-letters/replay", r#"{"sink":"other"}"#).await.json(),
        json!({ "resent": 0 })
    );
    here.sink.mend();
    let seen =
        here.post("/v1/dead-letters/replay", r#"{"sink":"picky","from":"2026-01-01T00:00:00Z"}"#).await;
    assert_eq!((seen.status, seen.json()), (202, json!({ "resent": 3 })));
    here.all_settled().await;
    assert_eq!(numbers(&here, "").await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_letter_thrown_away_is_gone_and_stays_counted() {
    let here = with_letters(1).await;
    let path = format!("/v1/dead-letters/{}", numbers(&here, "").await.remove(0));
    let seen = here.call("DELETE", &path, &[], "").await;
    assert_eq!((seen.status, seen.text().as_str()), (204, ""));
    for method in ["GET", "DELETE"] {
        assert_eq!(here.call(method, &path, &[], "").await.status, 404);
    }
    assert_eq!(here.call("POST", &format!("{path}/replay"), &[], "").await.status, 404);
    assert_eq!(here.ledger.snapshot().sinks[0].dead, 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_number_is_no_letter() {
    let here = Here::new().await;
    for id in ["x", "%00", "1e3", "99999999999999999999", "-1"] {
        assert_eq!(here.get(&format!("/v1/dead-letters/{id}")).await.status, 404, "{id}");
    }
    assert_eq!(here.get("/v1/dead-letters/%ff").await.status, 400);
}
