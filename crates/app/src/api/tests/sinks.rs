//! Sinks are listed, checked, paused, resumed and forgotten.

use serde_json::json;

use super::here::Here;

const VIEW: &str = r#"{"page":"/","event":"view"}"#;

#[tokio::test(start_paused = true)]
async fn they_are_listed_with_their_accounts() {
    let here = Here::new().await;
    here.post("/events", VIEW).await;
    here.all_settled().await;
    let list = here.get("/v1/sinks").await.json();
    assert_eq!(list["next"], json!(null));
    assert_eq!(list["items"], here.get("/v1/status").await.json()["sinks"]);
    assert_eq!((&list["items"][0]["name"], &list["items"][0]["delivered"]), (&json!("picky"), &json!(1)));
    assert_eq!(here.get("/v1/sinks?cursor=picky").await.json()["items"], json!([]));
    assert_eq!(here.get("/v1/sinks?cursor=pick&limit=1").await.json()["items"][0]["name"], "picky");
}

#[tokio::test(start_paused = true)]
async fn a_check_says_in_the_sinks_own_words_what_is_wrong() {
    let here = Here::new().await;
    let well = json!({ "name": "picky", "ok": true, "detail": null });
    assert_eq!(here.post("/v1/sinks/picky/check", "").await.json(), well);
    let text = "the table lacks a column\nALTER TABLE events ADD COLUMN price INTEGER;";
    *here.sink.ailment.lock().unwrap() = Some(text.to_owned());
    let seen = here.post("/v1/sinks/picky/check", "").await;
    assert_eq!((seen.status, seen.json()), (200, json!({ "name": "picky", "ok": false, "detail": text })));
}

#[tokio::test(start_paused = true)]
async fn a_paused_sink_takes_nothing_until_it_is_resumed() {
    let here = Here::new().await;
    for _ in 0..2 {
        let seen = here.post("/v1/sinks/picky/pause", "").await;
        assert_eq!((seen.status, seen.json()), (200, json!({ "name": "picky", "paused": true })));
    }
    here.post("/events", VIEW).await;
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    let sink = &here.get("/v1/status").await.json()["sinks"][0];
    assert_eq!(
        (&sink["state"], &sink["pending"], &sink["accepted"]),
        (&json!("paused"), &json!(1), &json!(1))
    );
    let metrics = here.get("/metrics").await.text();
    assert!(metrics.lines().any(|line| line == "weir_sink_paused{sink=\"picky\"} 1"), "{metrics}");

    let seen = here.post("/v1/sinks/picky/resume", "").await;
    assert_eq!(seen.json(), json!({ "name": "picky", "paused": false }));
    here.all_settled().await;
    let sink = &here.get("/v1/status").await.json()["sinks"][0];
    assert_eq!((&sink["state"], &sink["delivered"]), (&json!("running"), &json!(1)));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_done_to_a_sink_that_nobody_knows_and_none_that_is_configured_is_forgotten() {
    let here = Here::new().await;
    for what in ["check", "pause", "resume", "forget", "replay"] {
        let seen = here.post(&format!("/v1/sinks/no%20one/{what}"), "{}").await;
        assert_eq!((seen.status, seen.problem().as_str()), (404, "not-found"), "{what}: {}", seen.text());
        assert!(seen.text().contains("no one"), "{what}: {}", seen.text());
    }
    let seen = here.post("/v1/sinks/picky/forget", r#"{"confirm":"picky"}"#).await;
    assert_eq!((seen.status, seen.problem().as_str()), (409, "sink-configured"));
    assert_eq!(here.get("/v1/sinks").await.json()["items"][0]["name"], "picky");
}
