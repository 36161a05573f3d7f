//! Bodies in other formats than JSON, well and badly formed, plain and compressed.

use std::fmt::Write;

use serde_json::json;

use super::here::Here;

const CSV: &str = "text/csv; charset=utf-8";
const FORM: &str = "application/x-www-form-urlencoded";
const MESSAGE_PACK: &str = "application/msgpack";
const PROTOBUF: &str = "application/x-protobuf";

async fn answer(path: &str, content_type: &str, body: impl Into<bytes::Bytes>) -> (u16, serde_json::Value) {
    let here = Here::new().await;
    let seen = here.call("POST", path, &[("content-type", content_type)], body).await;
    assert_eq!(here.accepted() > 0, seen.status == 200, "acknowledged and on disk must be the same");
    (seen.status, seen.json())
}

/// `{"uid": 5, "kind": "k"}`
const ACTION: &[u8] = b"\x82\xA3uid\x05\xA4kind\xA1k";

#[tokio::test(start_paused = true)]
async fn each_is_taken_and_its_bad_members_are_named() {
    let (status, seen) = answer("/events", CSV, "page,event\n/,view\n/\n/cart,click\n").await;
    assert_eq!((status, &seen["accepted"], &seen["rejected"][0]["index"]), (200, &json!(2), &json!(1)));

    let (status, seen) = answer("/events", FORM, "page=%2F&event=view").await;
    assert_eq!((status, &seen["accepted"]), (200, &json!(1)));

    let body = [&b"\x93"[..], ACTION, b"\x80", ACTION].concat();
    for content_type in [MESSAGE_PACK, "application/x-msgpack", "application/vnd.msgpack"] {
        let (status, seen) = answer("/v1/streams/actions/events", content_type, body.clone()).await;
        assert_eq!((status, &seen["accepted"], &seen["rejected"][0]["index"]), (200, &json!(2), &json!(1)));
    }
}

#[tokio::test(start_paused = true)]
async fn each_may_be_compressed_and_is_held_to_all_or_none() {
    let here = Here::new().await;
    let packed = zstd::encode_all(&b"page,event\n/,view\n/,\n"[..], 1).unwrap();
    let headers = [("content-type", CSV), ("content-encoding", "zstd")];
    assert_eq!(here.call("POST", "/events", &headers, packed.clone()).await.json()["accepted"], 1);
    assert_eq!(here.call("POST", "/events?atomic=true", &headers, packed).await.status, 422);
    assert_eq!(here.accepted(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_is_told() {
    let mut told = String::new();
    let json = r#"{"page":"/","event":"view"}"#;
    let typed = "/v1/streams/actions/events?type=TestEvent";
    let delimited = "/v1/streams/actions/events?type=TestEvent&delimited";
    let store = "/v1/streams/store/events?type=";
    for (name, path, content_type, body) in [
        ("JSON under a form's name", "/events", FORM, json.as_bytes()),
        ("a field twice", "/events", FORM, b"page=/&page=x&event=e"),
        ("a form that is not UTF-8", "/events", FORM, b"page=%ff&event=e"),
        ("an empty form", "/events", FORM, b""),
        ("CSV with names alone", "/events", CSV, b"page,event\n"),
        ("CSV with a name twice", "/events", CSV, b"page,page\n/,x\n"),
        ("CSV with a quote that is not closed", "/events", CSV, b"page,event\n\"/,view\n"),
        ("MessagePack that ends too early", "/events", MESSAGE_PACK, &ACTION[..5]),
        ("MessagePack that is no map", "/events", MESSAGE_PACK, b"\x05"),
        ("JSON under MessagePack's name", "/events", MESSAGE_PACK, json.as_bytes()),
        ("Protobuf without a type", "/events", PROTOBUF, b"\x08\x01"),
        ("Protobuf of an unknown type", "/events?type=Other", PROTOBUF, b"\x08\x01"),
        ("a type for JSON", "/events?type=TestEvent", "application/json", json.as_bytes()),
        ("lengths for CSV", "/events?delimited=true", CSV, b"page,event\n/,x\n"),
        ("no Protobuf", typed, PROTOBUF, b"\xff\xff"),
        ("a field that the type does not have", typed, PROTOBUF, b"\x50\x01"),
        ("an enum's value that is not there", typed, PROTOBUF, b"\x20\x07"),
        ("an empty message", typed, PROTOBUF, b""),
        ("a message without what the stream requires", typed, PROTOBUF, b"\x12\x01a"),
        ("a length beyond the end", delimited, PROTOBUF, b"\x02\x12"),
        ("messages of which none can be read", delimited, PROTOBUF, b"\x00\x01\xff"),
        (
            "a message of /store that is no event type",
            &(store.to_owned() + "EventContext"),
            PROTOBUF,
            b"\x08\x01",
        ),
        ("an event of /store without its context", &(store.to_owned() + "TestEvent"), PROTOBUF, b"\x12\x01a"),
        ("a type that is not taken", "/events", "application/xml", b"<event/>"),
    ] {
        let (status, seen) = answer(path, content_type, bytes::Bytes::copy_from_slice(body)).await;
        let _ = writeln!(told, "{name}\n    {status} {seen}");
    }
    insta::assert_snapshot!(told);
}
