//! `POST /store`: what it takes, what it says no to and how, and whom it lets in.

use std::fmt::Write;
use std::net::SocketAddr;

use http_body_util::Full;
use hyper::Request;
use serde_json::json;
use weir_core::event::{Offset, Record};
use weir_core::log::{EventLog, ReadLimit};

use super::here::{Here, KEY, Seen};
use super::store_cases::{Case, cases, example};
use crate::api::{ApiSettings, Door, OpenStore};

const JSON: (&str, &str) = ("content-type", "application/json");

async fn send(here: &Here, case: &Case) -> Seen {
    let headers: Vec<_> = case.content_type.map(|kind| ("content-type", kind)).into_iter().collect();
    here.call("POST", "/store", &headers, case.body.clone()).await
}

async fn records(here: &Here) -> Vec<Record> {
    let limit = ReadLimit { max_events: usize::MAX, max_bytes: usize::MAX };
    here.log.read(&here.log.partitions()[0], Offset(0), limit).await.unwrap().records
}

#[tokio::test(start_paused = true)]
async fn every_answer() {
    let mut told = String::new();
    for case in cases() {
        let here = Here::new().await;
        let seen = send(&here, &case).await;
        assert!(seen.status < 500, "{}: {} {}", case.name, seen.status, seen.text());
        assert_eq!(here.accepted() == 1, seen.status == 204, "{}: answer and log differ", case.name);
        let _ = writeln!(told, "{}\n    {} {}", case.name, seen.status, seen.text());
    }
    insta::assert_snapshot!(told);
}

#[tokio::test(start_paused = true)]
async fn an_event_is_logged_under_its_message_id_and_its_repeat_is_the_same_event() {
    let here = Here::new().await;
    let headers = [JSON, ("user-agent", "curl/8")];
    for _ in 0..2 {
        let seen = here.call("POST", "/store", &headers, example().to_string()).await;
        assert_eq!((seen.status, seen.text().as_str(), seen.header("content-type")), (204, "", None));
    }
    let records = records(&here).await;
    let (first, again) = (&records[0], &records[1]);
    assert_eq!(first.event.id, again.event.id);
    assert_eq!(first.event.client_id.as_deref(), Some("36eca638-4c0f-4d11-bc9b-cc2290851032"));
    assert_eq!(first.event.occurred_at.to_string(), "2023-12-02T15:29:02.000000Z");
    assert_eq!((first.stream.as_str(), first.origin.user_agent.as_deref()), ("store", Some("curl/8")));
    assert_eq!(
        String::from_utf8_lossy(&first.event.body),
        concat!(
            r#"{"event_name":"TestEvent","context":{"sentAt":"1701530942","receivedAt":"1701530942","#,
            r#""processedAt":"1701530942","messageId":"36eca638-4c0f-4d11-bc9b-cc2290851032","#,
            r#""userAgent":"some_user_agent"},"userId":"example_user_id","accountId":"example_account_id","userRole":"OWNER"}"#
        )
    );
}

#[tokio::test(start_paused = true)]
async fn the_general_address_takes_the_same_events_many_at_once() {
    let here = Here::new().await;
    let mut wrong = example();
    wrong["data"]["colour"] = json!(1);
    let body = format!("{}\n{wrong}\n{{\"event_name\":\"TestEvent\",\"userId\":\"x\"}}\n", example());
    let seen = here.call("POST", "/v1/streams/store/events", &[JSON], body).await;
    assert_eq!((seen.status, seen.json()["accepted"].as_u64()), (200, Some(1)));
    let details: Vec<_> = seen.json()["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rejected| rejected["detail"].clone())
        .collect();
    assert_eq!(details[0], "/data/colour is not a member of events.TestEvent");
    assert!(details[1].as_str().unwrap().contains("/context is required"), "{}", details[1]);
}

#[tokio::test(start_paused = true)]
async fn what_was_taken_as_protobuf_is_logged_as_if_it_had_been_json() {
    let here = Here::new().await;
    here.call("POST", "/store", &[JSON], example().to_string()).await;
    let logged = records(&here).await.remove(0).event;
    let wire = here.schemas.get().wire_of_logged(&logged.body).unwrap();
    let path = "/v1/streams/store/events?type=TestEvent";
    let protobuf = ("content-type", "application/x-protobuf");
    assert_eq!(here.call("POST", path, &[protobuf], wire).await.status, 200);
    assert_eq!(records(&here).await.remove(1).event, logged);
    let seen = here.call("POST", path, &[protobuf], vec![0x12, 1, b'a']).await;
    assert_eq!((seen.status, seen.json()["rejected"][0]["code"].as_str()), (422, Some("schema")));
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_counted_by_its_reason() {
    let here = Here::new().await;
    let mut wrong = example();
    wrong["data"]["colour"] = json!(1);
    here.call("POST", "/store", &[JSON], wrong.to_string()).await;
    here.call("POST", "/v1/streams/store/events", &[JSON], wrong.to_string()).await;
    here.call("POST", "/store", &[JSON], "{").await;
    let metrics = here.get("/metrics").await.text();
    for (code, count) in [("schema", 2), ("invalid_json", 1)] {
        let line = format!("weir_events_rejected_total{{stream=\"store\",code=\"{code}\"}} {count}");
        assert!(metrics.contains(&line), "{line} in {metrics}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_may_be_compressed() {
    let here = Here::new().await;
    let packed = zstd::encode_all(example().to_string().as_bytes(), 1).unwrap();
    let seen = here.call("POST", "/store", &[JSON, ("content-encoding", "zstd")], packed).await;
    assert_eq!(seen.status, 204, "{}", seen.text());
}

/// Sends the example with these headers, from `peer`, through `door`.
async fn through(here: &Here, door: Door, peer: &str, headers: &[(&str, &str)]) -> u16 {
    let mut request = Request::post("/store").header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(example().to_string().into())).unwrap();
    let peer = SocketAddr::new(peer.parse().unwrap(), 50_000);
    here.api.answer(request, peer, door, None).await.status().as_u16()
}

async fn open(open_store: OpenStore) -> Here {
    Here::with(ApiSettings { open_store, ..ApiSettings::default() }).await
}

#[tokio::test(start_paused = true)]
async fn only_programs_of_this_machine_need_no_key() {
    let here = open(OpenStore::ToThisMachine).await;
    for door in [Door::Main, Door::Store] {
        assert_eq!(through(&here, door, "127.0.0.1", &[]).await, 204);
        assert_eq!(through(&here, door, "192.0.2.7", &[]).await, 401);
        for relayed in
            [("x-forwarded-for", "127.0.0.1"), ("forwarded", "for=127.0.0.1"), ("origin", "http://localhost")]
        {
            assert_eq!(through(&here, door, "127.0.0.1", &[relayed]).await, 401, "{relayed:?}");
            let bearer = format!("Bearer {KEY}");
            let with_key = [relayed, ("authorization", bearer.as_str())];
            assert_eq!(through(&here, door, "127.0.0.1", &with_key).await, 204, "{relayed:?}");
        }
        assert_eq!(through(&here, door, "127.0.0.1", &[("authorization", "Bearer wrong")]).await, 401);
    }
    assert_eq!(records(&here).await[0].origin.credential, "none");
    assert_eq!(through(&here, Door::Admin, "127.0.0.1", &[]).await, 401);
}

#[tokio::test(start_paused = true)]
async fn who_needs_a_key_is_a_setting() {
    for (open_store, here_status, elsewhere_status) in [
        (OpenStore::ToNobody, 401, 401),
        (OpenStore::ToThisMachine, 204, 401),
        (OpenStore::ToEverybody, 204, 204),
    ] {
        let here = open(open_store).await;
        let statuses = (
            through(&here, Door::Main, "::1", &[]).await,
            through(&here, Door::Main, "192.0.2.7", &[]).await,
        );
        assert_eq!(statuses, (here_status, elsewhere_status), "{open_store:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_else_is_open_and_its_own_port_has_nothing_else() {
    let here = open(OpenStore::ToEverybody).await;
    let bearer = format!("Bearer {KEY}");
    for (door, path, key, expected) in [
        (Door::Main, "/events", false, 401),
        (Door::Main, "/v1/streams/store/events", false, 401),
        (Door::Main, "/v1/schemas", false, 401),
        (Door::Store, "/v1/schemas", false, 401),
        (Door::Store, "/v1/schemas", true, 404),
        (Door::Store, "/ping", false, 200),
        (Door::Admin, "/store", true, 404),
    ] {
        let mut request = Request::get(path).body(Full::new(bytes::Bytes::new())).unwrap();
        if key {
            request.headers_mut().insert("authorization", bearer.parse().unwrap());
        }
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        let status = here.api.answer(request, peer, door, None).await.status();
        assert_eq!(status, expected, "{path} at {door:?}");
    }
}
