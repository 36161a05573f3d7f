//! `acknowledge = "sink:NAME"`: who waits for a sink, how long, and what they are told.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use weir_core::sink::SinkName;

use super::here::{Here, Seen};
use crate::api::{ApiSettings, Confirmation};

const VIEW: &str = r#"{"page":"/","event":"view"}"#;
/// As the sink's batches may wait for more.
const MAX_AGE: Duration = Duration::from_millis(50);

async fn waiting_for_the_sink(timeout: Duration) -> Arc<Here> {
    let confirmation = Confirmation { sink: SinkName("picky".into()), timeout };
    Arc::new(Here::with(ApiSettings { confirmation: Some(confirmation), ..ApiSettings::default() }).await)
}

fn posting(here: &Arc<Here>, body: &'static str) -> JoinHandle<Seen> {
    let here = here.clone();
    tokio::spawn(async move { here.post("/events", body).await })
}

#[tokio::test(start_paused = true)]
async fn the_answer_comes_once_the_sink_has_the_events() {
    let here = waiting_for_the_sink(Duration::from_secs(60)).await;
    here.sink.holds.send_replace(true);
    let answer = posting(&here, VIEW);
    sleep(Duration::from_secs(30)).await;
    assert_eq!((here.accepted(), answer.is_finished()), (1, false), "it is on disk, and that is not enough");
    here.sink.holds.send_replace(false);
    assert_eq!(answer.await.unwrap().status, 200);
    assert_eq!(here.ledger.snapshot().sinks[0].delivered, 1);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_batch_to_fill() {
    let here = waiting_for_the_sink(Duration::from_secs(60)).await;
    let begun = Instant::now();
    assert_eq!(here.post("/events", VIEW).await.status, 200);
    assert!(begun.elapsed() < MAX_AGE);
}

#[tokio::test(start_paused = true)]
async fn a_refused_event_is_settled_and_one_that_is_not_accepted_is_not_waited_for() {
    let here = waiting_for_the_sink(Duration::from_secs(60)).await;
    let seen = here.post("/events", r#"{"page":"/","event":"view","label":"refuse"}"#).await;
    assert_eq!((seen.status, here.ledger.snapshot().sinks[0].dead), (200, 1));
    here.sink.holds.send_replace(true);
    assert_eq!(here.post("/events", "{}").await.status, 422);
}

#[tokio::test(start_paused = true)]
async fn whoever_waited_in_vain_is_told_that_the_events_are_safe() {
    let here = waiting_for_the_sink(Duration::from_millis(2500)).await;
    here.sink.holds.send_replace(true);
    let begun = Instant::now();
    let seen = here.post("/events", "{\"page\":\"/\",\"event\":\"view\"}\n{}").await;
    assert_eq!(
        (seen.status, seen.problem().as_str(), seen.header("retry-after")),
        (503, "unconfirmed", Some("3"))
    );
    assert!((2500..3000).contains(&begun.elapsed().as_millis()));
    let told = seen.json();
    assert_eq!((&told["accepted"], told["ids"].as_array().unwrap().len()), (&1.into(), 1));
    assert_eq!(told["rejected"][0]["index"], 1);
    assert!(told["detail"].as_str().unwrap().contains("only under the same ids"));

    here.sink.holds.send_replace(false);
    here.all_settled().await;
    assert_eq!(here.ledger.snapshot().sinks[0].delivered, 1, "and it arrives");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_taken_in_while_the_sink_is_paused() {
    let here = waiting_for_the_sink(Duration::from_secs(60)).await;
    here.post("/v1/sinks/picky/pause", "").await;
    let seen = here.post("/events", VIEW).await;
    assert_eq!(
        (seen.status, seen.problem().as_str(), seen.header("retry-after")),
        (503, "sink-paused", Some("30"))
    );
    assert_eq!(here.accepted(), 0);
    here.post("/v1/sinks/picky/resume", "").await;
    assert_eq!(here.post("/events", VIEW).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_program_lets_nobody_wait() {
    let here = waiting_for_the_sink(Duration::from_secs(3600)).await;
    here.sink.holds.send_replace(true);
    let answer = posting(&here, VIEW);
    sleep(Duration::from_secs(10)).await;
    let begun = Instant::now();
    here.stop.cancel();
    let seen = answer.await.unwrap();
    assert_eq!((seen.status, seen.problem().as_str()), (503, "unconfirmed"));
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert!(seen.json()["detail"].as_str().unwrap().contains("before this instance is stopped"));
}
