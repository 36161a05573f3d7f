//! Taking events in.

use std::convert::Infallible;
use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use http_body_util::StreamBody;
use hyper::Request;
use serde_json::json;
use weir_core::event::Offset;
use weir_core::log::{EventLog, LogError, Partition, ReadLimit};

use super::here::{Here, JWT_SECRET, KEY, Seen, peer};
use crate::api::{ApiSettings, Door};
use crate::auth::sign;
use crate::secret::Secret;

const VIEW: &str = r#"{"page":"/","event":"view"}"#;

async fn records(here: &Here) -> Vec<weir_core::event::Record> {
    let limit = ReadLimit { max_events: 1000, max_bytes: 1 << 20 };
    here.log.read(&Partition("p1".into()), Offset(0), limit).await.unwrap().records
}

#[tokio::test(start_paused = true)]
async fn one_event_is_on_disk_when_it_is_acknowledged() {
    let here = Here::new().await;
    let seen = here.post("/events", VIEW).await;
    assert_eq!((seen.status, seen.header("content-type")), (200, Some("application/json")));
    let records = records(&here).await;
    let id = records[0].event.id.to_string();
    assert_eq!(seen.json(), json!({ "accepted": 1, "ids": [id], "rejected": [] }));
    assert_eq!(records[0].event.body, VIEW);
}

#[tokio::test(start_paused = true)]
async fn headers_and_the_tokens_subject_go_with_the_event() {
    let here = Here::new().await;
    let expires = weir_core::time::Timestamp::parse("2026-06-01T00:00:00Z").unwrap();
    let token = sign(&Secret::new(JWT_SECRET), "alice", None, expires).unwrap();
    let headers = [
        ("authorization", format!("Bearer {token}")),
        ("device-uuid", "d-1".to_owned()),
        ("app-version", "1.2".to_owned()),
        ("os-version", "17".to_owned()),
        ("user-agent", "curl/8".to_owned()),
    ];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(here.call_as_told("POST", "/events", &headers, VIEW).await.status, 200);
    let origin = records(&here).await[0].origin.clone();
    assert_eq!((origin.credential.as_str(), origin.user_id.as_deref()), ("jwt:alice", Some("alice")));
    assert_eq!((origin.device_uuid.as_deref(), origin.app_version.as_deref()), (Some("d-1"), Some("1.2")));
    assert_eq!((origin.os_version.as_deref(), origin.user_agent.as_deref()), (Some("17"), Some("curl/8")));
    assert_eq!(origin.client_ip.as_deref(), Some("192.0.2.7"));
}

#[tokio::test(start_paused = true)]
async fn arrays_and_lines_bring_many_and_the_bad_ones_are_told_by_index() {
    let here = Here::new().await;
    for (kind, body) in [
        ("application/json", format!("[{VIEW},{{\"page\":\"/\"}},{VIEW}]")),
        ("application/json; charset=utf-8", format!("{VIEW}\n{{\"page\":\"/\"}}\n{VIEW}")),
        ("application/x-ndjson", format!("{VIEW}\n\n{{\"page\":\"/\"}}\n{VIEW}\n")),
        ("text/plain;charset=UTF-8", format!("[{VIEW},{{\"page\":\"/\"}},{VIEW}]")),
    ] {
        let seen = here.call("POST", "/events", &[("content-type", kind)], body).await;
        assert_eq!(seen.status, 200, "{kind}");
        let answer = seen.json();
        assert_eq!((&answer["accepted"], answer["ids"].as_array().unwrap().len()), (&json!(2), 2), "{kind}");
        assert_eq!(answer["rejected"][0]["index"], 1, "{kind}");
        assert_eq!(answer["rejected"][0]["code"], "missing_member", "{kind}");
    }
    assert_eq!(here.accepted(), 8);
}

#[tokio::test(start_paused = true)]
async fn all_rejected_is_422_with_the_same_list() {
    let here = Here::new().await;
    let seen = here.post("/events", r#"[{"page":"/"},{"event":"view"}]"#).await;
    assert_eq!((seen.status, seen.problem().as_str()), (422, "rejected"));
    let answer = seen.json();
    assert_eq!((&answer["accepted"], &answer["ids"]), (&json!(0), &json!([])));
    assert_eq!(answer["rejected"].as_array().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn atomic_means_all_or_none() {
    let here = Here::new().await;
    let body = format!("[{VIEW},{{}}]");
    let seen = here.post("/events?atomic=true", body.clone()).await;
    assert_eq!((seen.status, seen.json()["rejected"].as_array().unwrap().len()), (422, 1));
    assert_eq!(here.accepted(), 0);
    assert_eq!(here.post("/events?atomic=false", body).await.status, 200);
    assert_eq!(here.accepted(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_configured_stream_has_rules_of_its_own() {
    let here = Here::new().await;
    let good = r#"{"uid":7,"kind":"click","ts":1767225600,"any":[1,{"x":null}]}"#;
    assert_eq!(here.post("/v1/streams/actions/events", good).await.status, 200);
    assert_eq!(here.post("/v1/streams/actions/events", r#"{"uid":7}"#).await.status, 422);
    assert_eq!(here.post("/v1/streams/%61ctions/events", good).await.status, 200);
    let unknown = here.post("/v1/streams/none/events", good).await;
    assert_eq!((unknown.status, unknown.problem().as_str()), (404, "not-found"));
    let record = &records(&here).await[0];
    assert_eq!((record.stream.as_str(), record.user_id()), ("actions", Some("7")));
}

#[tokio::test(start_paused = true)]
async fn the_same_idempotency_key_names_the_same_events() {
    let here = Here::new().await;
    let key = [("idempotency-key", "k-1")];
    let one = here.call("POST", "/events", &key, VIEW).await.json();
    assert_eq!(one["ids"], here.call("POST", "/events", &key, VIEW).await.json()["ids"]);
    let other = here.call("POST", "/events", &[("idempotency-key", "k-2")], VIEW).await.json();
    assert_ne!(one["ids"], other["ids"]);
}

#[tokio::test(start_paused = true)]
async fn packed_bodies_are_unpacked() {
    let here = Here::new().await;
    let lines = format!("{VIEW}\n").repeat(500);
    let gzip = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(lines.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let zstd = zstd::encode_all(lines.as_bytes(), 3).unwrap();
    let both = zstd::encode_all(gzip.as_slice(), 3).unwrap();
    for (coding, body) in [("gzip", gzip), ("ZSTD", zstd), ("gzip, zstd", both)] {
        let seen = here.call("POST", "/events", &[("content-encoding", coding)], body).await;
        assert_eq!(seen.json()["accepted"], 500, "{coding}");
    }
}

/// A body that comes in these pieces and then ends, or never does.
fn slowly(
    pieces: &'static [&'static str],
    ends: bool,
) -> impl http_body::Body<Data = Bytes, Error = Infallible> + Unpin {
    use futures::StreamExt;
    let frames = pieces.iter().map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes()))));
    let pieces = futures::stream::iter(frames);
    let rest =
        if ends { futures::stream::empty().left_stream() } else { futures::stream::pending().right_stream() };
    StreamBody::new(pieces.chain(rest))
}

async fn send_slowly(here: &Here, pieces: &'static [&'static str], ends: bool) -> Seen {
    let mut request = Request::post("/events").body(slowly(pieces, ends)).unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {KEY}").parse().unwrap());
    Seen::of(here.api.answer(request, peer(), Door::Main, None).await).await
}

#[tokio::test(start_paused = true)]
async fn a_body_in_pieces_is_put_together_and_one_that_never_ends_is_408() {
    let here = Here::new().await;
    let pieces = &["{\"page\":", "\"/\",", "\"event\":\"view\"}"];
    assert_eq!(send_slowly(&here, pieces, true).await.status, 200);
    assert_eq!(records(&here).await[0].event.body, VIEW);
    let seen = send_slowly(&here, pieces, false).await;
    assert_eq!((seen.status, seen.problem().as_str()), (408, "too-slow"));
}

#[tokio::test(start_paused = true)]
async fn bodies_beyond_the_limit_are_413_with_the_limit_however_they_come() {
    let here =
        Here::with(ApiSettings { body_max_bytes: 100, unpacked_max_bytes: 1000, ..ApiSettings::default() })
            .await;
    let long = format!("{VIEW}\n").repeat(4);
    let seen = here.post("/events", long).await;
    assert_eq!((seen.status, &seen.json()["limit_bytes"]), (413, &json!(100)));
    let seen = send_slowly(&here, &[VIEW, VIEW, VIEW, VIEW], true).await;
    assert_eq!((seen.status, &seen.json()["limit_bytes"]), (413, &json!(100)));
    let bomb = zstd::encode_all(format!("{VIEW}\n").repeat(40).as_bytes(), 3).unwrap();
    let seen = here.call("POST", "/events", &[("content-encoding", "zstd")], bomb).await;
    assert_eq!((seen.status, &seen.json()["limit_bytes"]), (413, &json!(1000)));
    assert_eq!(here.accepted(), 0);
}

#[tokio::test(start_paused = true)]
async fn when_memory_for_bodies_is_used_up_the_answer_is_503() {
    let here = Here::with(ApiSettings { bodies_max_bytes: 40, ..ApiSettings::default() }).await;
    let waiting = send_slowly(&here, &[VIEW], false);
    let crowded = async {
        tokio::task::yield_now().await;
        here.post("/events", VIEW).await
    };
    let (waiting, crowded) = tokio::join!(waiting, crowded);
    assert_eq!((waiting.status, crowded.status, crowded.header("retry-after")), (408, 503, Some("1")));
    assert_eq!(here.post("/events", VIEW).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn what_the_log_says_is_told_with_when_to_come_back() {
    let here = Here::new().await;
    let full = LogError::Retry { reason: "the disk is full".to_owned(), after: Duration::from_millis(1500) };
    for (error, status, retry_after) in [
        (full, 503, Some("2")),
        (LogError::Closed, 503, Some("1")),
        (LogError::Refused("too large for the log".to_owned()), 413, None),
    ] {
        here.log.refuse(Some(error.clone()));
        let seen = here.post("/events", VIEW).await;
        assert_eq!((seen.status, seen.header("retry-after")), (status, retry_after), "{error}");
    }
    here.log.refuse(None);
    assert_eq!(here.post("/events", VIEW).await.status, 200);
}
