//! Probes, metrics, status, the live tail, replays, and who may see them.

use http_body_util::{BodyExt, Full};
use hyper::Request;
use serde_json::json;

use super::here::{Here, KEY, Seen, peer};
use crate::api::{ApiSettings, Door};

const VIEW: &str = r#"{"page":"/","event":"view"}"#;

async fn at_the_admin_door(here: &Here, path: &str, authorization: Option<&str>) -> Seen {
    let mut request = Request::get(path).body(Full::new(bytes::Bytes::new())).unwrap();
    if let Some(authorization) = authorization {
        request.headers_mut().insert("authorization", authorization.parse().unwrap());
    }
    Seen::of(here.api.answer(request, peer(), Door::Admin, None).await).await
}

#[tokio::test(start_paused = true)]
async fn ping_says_pong_to_anybody() {
    let here = Here::new().await;
    let seen = here.call_as_told("GET", "/ping", &[], "").await;
    assert_eq!((seen.status, seen.text().as_str()), (200, "pong"));
    assert_eq!(here.call_as_told("HEAD", "/ping", &[], "").await.status, 200);
    assert_eq!(here.call_as_told("GET", "/healthz", &[], "").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn strangers_get_401_whether_a_path_exists_or_not() {
    let here = Here::new().await;
    for (method, path) in [
        ("POST", "/events"),
        ("GET", "/events"),
        ("GET", "/"),
        ("GET", "/none"),
        ("GET", "/metrics"),
        ("GET", "/openapi.json"),
        ("GET", "/v1/status"),
        ("GET", "/v1/tail"),
        ("GET", "/v1/sinks"),
        ("POST", "/v1/sinks/picky/forget"),
        ("DELETE", "/v1/dead-letters/1"),
        ("OPTIONS", "/events"),
        ("GET", "/v1/status?key=the-key&api_key=the-key&token=the-key&access_token=the-key"),
    ] {
        for headers in
            [&[][..], &[("authorization", "Bearer wrong")], &[("x-api-key", KEY), ("cookie", "key=the-key")]]
        {
            let seen = here.call_as_told(method, path, headers, VIEW).await;
            assert_eq!((seen.status, seen.problem().as_str()), (401, "unauthorized"), "{method} {path}");
            assert!(seen.header("www-authenticate").unwrap().starts_with("Bearer"), "{method} {path}");
        }
    }
    assert_eq!(here.accepted(), 0);
}

#[tokio::test(start_paused = true)]
async fn whoever_has_a_key_is_told_404_and_405() {
    let here = Here::new().await;
    assert_eq!(here.get("/none").await.problem(), "not-found");
    let seen = here.get("/events").await;
    assert_eq!((seen.status, seen.header("allow")), (405, Some("POST")));
    let seen = here.call("PATCH", "/v1/dead-letters/1", &[], "").await;
    assert_eq!((seen.status, seen.header("allow")), (405, Some("GET, HEAD, DELETE")));
    let seen = here.call_as_told("POST", "/ping", &[], "").await;
    assert_eq!((seen.status, seen.header("allow")), (405, Some("GET, HEAD")));
}

#[tokio::test(start_paused = true)]
async fn ready_means_that_events_can_be_taken_and_each_reason_against_it_is_named() {
    let here = Here::new().await;
    assert_eq!(here.get("/readyz").await.status, 200);
    *here.gauge.0.lock().unwrap() = Some("no room on the disk".to_owned());
    here.stop.cancel();
    let seen = here.call_as_told("GET", "/readyz", &[], "").await;
    assert_eq!(
        (seen.status, seen.problem().as_str(), seen.header("retry-after")),
        (503, "not-ready", Some("1"))
    );
    let reasons = json!([
        { "code": "draining", "detail": "Weir is being stopped" },
        { "code": "log", "detail": "no room on the disk" },
    ]);
    assert_eq!(seen.json()["reasons"], reasons);
    assert_eq!(here.get("/healthz").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_mistake_of_weirs_own_is_500_without_its_details_and_the_next_request_is_answered() {
    let here = Here::new().await;
    *here.gauge.0.lock().unwrap() = Some("panic".to_owned());
    let seen = here.get("/readyz").await;
    assert_eq!((seen.status, seen.problem().as_str()), (500, "internal"));
    assert!(!seen.text().contains("as the test wants it"), "{}", seen.text());
    assert_eq!(here.get("/ping").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_question_that_nobody_answers_ends_with_503() {
    let limits =
        ApiSettings { question_timeout: std::time::Duration::from_millis(1), ..ApiSettings::default() };
    let here = Here::with(limits).await;
    let body =
        http_body_util::StreamBody::new(futures::stream::pending::<Result<_, std::convert::Infallible>>());
    let mut request = Request::post("/v1/dead-letters/replay").body(body).unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {KEY}").parse().unwrap());
    let seen = Seen::of(here.api.answer(request, peer(), Door::Main, None).await).await;
    assert_eq!((seen.status, seen.problem().as_str(), seen.header("retry-after")), (503, "busy", Some("1")));
}

#[tokio::test(start_paused = true)]
async fn metrics_need_a_key_unless_opened() {
    let here = Here::new().await;
    assert_eq!(here.get("/metrics").await.status, 200);
    assert_eq!(at_the_admin_door(&here, "/metrics", None).await.status, 200);
    let open = Here::with(ApiSettings { metrics_open: true, ..ApiSettings::default() }).await;
    assert_eq!(open.call_as_told("GET", "/metrics", &[], "").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn behind_the_admin_door_there_are_only_probes_and_metrics() {
    let here = Here::new().await;
    for path in ["/ping", "/healthz", "/readyz", "/metrics"] {
        assert_eq!(at_the_admin_door(&here, path, None).await.status, 200, "{path}");
    }
    assert_eq!(at_the_admin_door(&here, "/v1/status", None).await.status, 401);
    let bearer = format!("Bearer {KEY}");
    assert_eq!(at_the_admin_door(&here, "/v1/status", Some(&bearer)).await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn the_scrape_adds_up() {
    let here = Here::new().await;
    here.post("/events", format!("[{VIEW},{},{{}}]", VIEW.replace("view\"", "view\",\"label\":\"refuse\"")))
        .await;
    here.all_settled().await;
    let seen = here.get("/metrics").await;
    assert!(seen.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    let text = seen.text();
    for line in [
        "weir_events_accepted_total{stream=\"events\"} 2",
        "weir_events_rejected_total{stream=\"events\",code=\"missing_member\"} 1",
        "weir_events_routed_total{sink=\"picky\"} 2",
        "weir_events_delivered_total{sink=\"picky\"} 1",
        "weir_events_dead_total{sink=\"picky\"} 1",
        "weir_events_filtered_total{sink=\"picky\"} 0",
        "weir_events_duplicate_total{sink=\"picky\"} 0",
        "weir_events_pending{sink=\"picky\"} 0",
        "weir_sink_paused{sink=\"picky\"} 0",
        "weir_sink_lag_seconds{sink=\"picky\"} 0.0",
        "weir_log_bytes 4096",
        "weir_log_corrupt_blocks_total 0",
        "weir_http_requests_total{route=\"/events\",status=\"200\"} 1",
        "# EOF",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn status_shows_every_sink() {
    let here = Here::new().await;
    here.post("/events", VIEW).await;
    here.all_settled().await;
    let status = here.get("/v1/status").await.json();
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!((&status["log"]["size_bytes"], &status["log"]["accepted"]), (&json!(4096), &json!(1)));
    let sink = &status["sinks"][0];
    assert_eq!((&sink["name"], &sink["state"]), (&json!("picky"), &json!("running")));
    assert_eq!((&sink["accepted"], &sink["delivered"], &sink["pending"]), (&json!(1), &json!(1), &json!(0)));
}

#[tokio::test(start_paused = true)]
async fn the_tail_shows_events_as_they_are_accepted_and_ends_with_the_program() {
    let here = Here::new().await;
    here.post("/events", VIEW).await;
    let mut request = Request::get("/v1/tail?stream=actions").body(Full::new(bytes::Bytes::new())).unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {KEY}").parse().unwrap());
    let mut live = here.api.answer(request, peer(), Door::Main, None).await.into_body();
    here.post("/events", VIEW).await;
    here.post("/v1/streams/actions/events", r#"{"uid":"bob","kind":"click"}"#).await;
    let line = live.frame().await.unwrap().unwrap().into_data().unwrap();
    let line: serde_json::Value = serde_json::from_slice(&line).unwrap();
    assert_eq!((&line["stream"], &line["user_id"]), (&json!("actions"), &json!("bob")));
    assert_eq!(line["event"], json!({ "uid": "bob", "kind": "click" }));
    let heartbeat = live.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(heartbeat, "\n");
    here.stop.cancel();
    assert!(live.frame().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn the_number_of_tails_is_limited_and_a_place_comes_free_when_one_ends() {
    let here = Here::with(ApiSettings { tails_max: 1, ..ApiSettings::default() }).await;
    let request = || {
        let mut request = Request::get("/v1/tail").body(Full::new(bytes::Bytes::new())).unwrap();
        request.headers_mut().insert("authorization", format!("Bearer {KEY}").parse().unwrap());
        request
    };
    let first = here.api.answer(request(), peer(), Door::Main, None).await;
    assert_eq!(here.get("/v1/tail").await.status, 503);
    drop(first);
    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    assert_eq!(here.api.answer(request(), peer(), Door::Main, None).await.status(), 200);
    assert_eq!(here.get("/v1/tail?stream=none").await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn a_period_is_replayed_into_a_sink() {
    let here = Here::new().await;
    here.post("/events", format!("[{VIEW},{VIEW}]")).await;
    here.all_settled().await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let seen = here.post("/v1/sinks/picky/replay", r#"{"from":"2026-01-01T00:00:00Z"}"#).await;
    assert_eq!((seen.status, &seen.json()["replays"][0]["events"]), (202, &json!(2)));
    let nothing = here.post("/v1/sinks/picky/replay", r#"{"to":1000}"#).await;
    assert_eq!(nothing.json(), json!({ "replays": [] }));
    assert_eq!(here.post("/v1/sinks/none/replay", "{}").await.status, 404);
    assert_eq!(here.post("/v1/sinks/picky/replay", r#"{"since":1}"#).await.status, 422);
    assert_eq!(here.post("/v1/sinks/picky/replay", r#"{"from":"yesterday"}"#).await.status, 422);
    assert_eq!(here.post("/v1/sinks/picky/replay", "").await.status, 400);
}

#[tokio::test(start_paused = true)]
async fn pages_of_other_origins_may_call_only_when_the_settings_name_them() {
    let ask = [("origin", "https://shop.example"), ("access-control-request-method", "POST")];
    let closed = Here::new().await.call_as_told("OPTIONS", "/events", &ask, "").await;
    assert_eq!((closed.status, closed.header("access-control-allow-origin")), (401, None));
    let origins = vec!["https://shop.example".to_owned()];
    let here = Here::with(ApiSettings { cors_origins: origins, ..ApiSettings::default() }).await;
    let asked = here.call_as_told("OPTIONS", "/events", &ask, "").await;
    assert_eq!(
        (asked.status, asked.header("access-control-allow-origin")),
        (204, Some("https://shop.example"))
    );
    let sent = here.call("POST", "/events", &ask[..1], VIEW).await;
    assert_eq!(
        (sent.status, sent.header("access-control-allow-origin")),
        (200, Some("https://shop.example"))
    );
    let other = here.call("POST", "/events", &[("origin", "https://evil.example")], VIEW).await;
    assert_eq!((other.header("access-control-allow-origin"), other.header("vary")), (None, Some("origin")));
}

#[tokio::test(start_paused = true)]
async fn an_answer_carries_the_requests_name() {
    let here = Here::new().await;
    let seen = here.call("GET", "/v1/status", &[("x-request-id", "mine-1")], "").await;
    assert_eq!(seen.header("x-request-id"), Some("mine-1"));
    assert_eq!(here.get("/none").await.header("x-request-id").map(str::len), Some(21));
}

#[tokio::test(start_paused = true)]
async fn an_instance_of_another_role_says_who_takes_events_and_answers_everything_else() {
    let settings = ApiSettings {
        roles: vec!["loader"],
        takes_events: false,
        instance_id: "l1".to_owned(),
        ..ApiSettings::default()
    };
    let here = Here::with(settings).await;
    for (method, path) in [("POST", "/events"), ("POST", "/v1/streams/none/events"), ("GET", "/v1/tail")] {
        let seen = here.call(method, path, &[], VIEW).await;
        assert_eq!((seen.status, seen.problem().as_str()), (503, "other-role"), "{method} {path}");
        assert_eq!(seen.header("retry-after"), Some("30"));
        assert_eq!((&seen.json()["roles"], &seen.json()["instance_id"]), (&json!(["loader"]), &json!("l1")));
        assert!(seen.json()["detail"].as_str().unwrap().contains("one of the role api"));
        assert_eq!(here.call_as_told(method, path, &[], VIEW).await.status, 401, "a stranger learns nothing");
    }
    assert_eq!(here.accepted(), 0);
    for path in ["/ping", "/healthz", "/readyz", "/metrics", "/v1/dead-letters", "/v1/sinks", "/openapi.json"]
    {
        assert_eq!(here.get(path).await.status, 200, "{path}");
    }
    let status = here.get("/v1/status").await.json();
    assert_eq!((&status["roles"], &status["instance_id"]), (&json!(["loader"]), &json!("l1")));
}
