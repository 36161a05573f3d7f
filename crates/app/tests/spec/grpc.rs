//! Telemetry and files over gRPC, with a client that knows Weir's committed files and nothing else.

use std::fs;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tonic::Code;

use crate::harness::{GrpcClient, Setup, Weir, free_port, from_environment, until};
use crate::lineage::{CANONICAL, SCENARIO, send};

const SEND: &str = "weir.v1.Telemetry/Send";
const SEND_STREAM: &str = "weir.v1.Telemetry/SendStream";
const UPLOAD: &str = "weir.v1.Files/Upload";
const CHECK: &str = "grpc.health.v1.Health/Check";
const WATCH: &str = "grpc.health.v1.Health/Watch";
const SOON: Duration = Duration::from_secs(30);

fn client(weir: &Weir) -> GrpcClient {
    GrpcClient::new(&weir.base(), Some(&weir.key()))
}

/// The record as gRPC has it: the moment in microseconds, `attrs` as text.
fn record(text: &str) -> Value {
    let mut record: Value = serde_json::from_str(text).unwrap();
    if record["createdAt"].is_string() {
        record["createdAt"] = json!(1_795_338_000_000_001_i64);
    }
    if let Some(attrs) = record.get("attrs").map(Value::to_string) {
        record["attrs"] = attrs.into();
    }
    record
}

fn message(records: &[&str]) -> Value {
    json!({ "records": records.iter().map(|text| record(text)).collect::<Vec<_>>() })
}

/// What REST makes of the scenario.
fn expected() -> String {
    let weir = Weir::start(Setup::new());
    send(&weir, &SCENARIO);
    weir.drained("lineage", SOON);
    weir.get(CANONICAL).body
}

#[test]
fn one_message_and_a_stream_of_them_make_the_same_graph_as_rest() {
    let expected = expected();
    assert!(expected.contains("file:out.csv"), "{expected}");
    let messages: Vec<Value> = SCENARIO.chunks(3).map(message).collect();
    for (method, messages) in [(SEND, vec![message(&SCENARIO)]), (SEND_STREAM, messages)] {
        let weir = Weir::start(Setup::new());
        let answer = client(&weir).call(method, &messages).unwrap();
        assert_eq!(answer, json!({ "accepted": "11" }));
        weir.drained("lineage", SOON);
        assert_eq!(weir.get(CANONICAL).body, expected, "{method}");
    }
}

#[test]
fn without_a_key_nothing_is_taken_and_with_one_a_bad_record_is_told_by_its_place() {
    let weir = Weir::start(Setup::new());
    let stranger = GrpcClient::new(&weir.base(), None);
    for method in [SEND, SEND_STREAM] {
        assert_eq!(stranger.call(method, &[message(&SCENARIO)]).unwrap_err().code(), Code::Unauthenticated);
    }
    let eaten = r#"{"type":"FILE_EATEN","trace":"order-77","createdAt":1795338000000001}"#;
    let answer = client(&weir).call(SEND, &[message(&[SCENARIO[0], eaten])]).unwrap();
    assert_eq!((&answer["accepted"], &answer["rejections"][0]["index"]), (&json!("1"), &json!("1")));
    let accepted = weir.metrics().sum("weir_events_accepted_total", &[("stream", "telemetry")]);
    assert_eq!(accepted, Some(1.0));
}

#[test]
fn a_message_that_is_too_large_is_told_the_setting_and_the_connection_goes_on() {
    let weir = Weir::start(Setup::new().toml("[server]\nbody_max_bytes = \"1KiB\"\n"));
    let client = client(&weir);
    let status = client.call(SEND, &[message(&[SCENARIO, SCENARIO].concat())]).unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.message().contains("server.body_max_bytes"), "{status}");
    assert_eq!(client.call(SEND, &[message(&SCENARIO[..1])]).unwrap()["accepted"], "1");
}

#[test]
fn a_port_of_its_own_has_grpc_and_nothing_else() {
    let port = free_port();
    let weir = Weir::start(Setup::new().toml(format!("[grpc]\nport = {port}\n")));
    let address = format!("http://127.0.0.1:{port}");
    let here = GrpcClient::new(&address, Some(&weir.key()));
    assert_eq!(here.call(SEND, &[message(&SCENARIO)]).unwrap()["accepted"], "11");
    let stranger = GrpcClient::new(&address, None);
    assert_eq!(stranger.call(CHECK, &[json!({})]).unwrap()["status"], "SERVING");
    let rest = crate::harness::Client::new(address).bearing(&weir.key());
    assert_eq!(rest.get("/v1/status").unwrap().status, 404);
    assert!(weir.said().contains(&format!("gRPC on       http://127.0.0.1:{port}")));
}

#[test]
fn a_file_comes_out_as_it_went_in_and_half_a_stream_leaves_nothing() {
    let mut weir = Weir::start(Setup::new());
    let client = client(&weir);
    let text = "0123456789abcdef".repeat(1 << 15);
    let chunk = || json!({ "chunk": STANDARD.encode(&text) });
    let names = |key: &str| json!({ "names": { "key": key, "trace": "t" } });
    let stored = client.call(UPLOAD, &[names("whole"), chunk(), chunk(), chunk()]).unwrap();
    assert_eq!(stored["bytes"], (3 * text.len()).to_string());
    assert_eq!(weir.get("/v1/files/whole").body, text.repeat(3));

    let staging = weir.path("data/files/staging");
    let coming = || fs::read_dir(&staging).unwrap().count();
    let half = |key: &str| {
        let open = client.open(UPLOAD);
        open.send(names(key));
        // Less than a megabyte would not go to the disk.
        (0..3).for_each(|_| open.send(chunk()));
        until(SOON, "the upload to have begun", || coming() > 0);
        open
    };
    half("left").abandon(&client);
    until(SOON, "what was left to be removed", || coming() == 0);
    let killed = half("killed");
    weir.kill9();
    killed.finish(&client).unwrap_err();
    weir.restart();
    assert_eq!(coming(), 0);
    for key in ["left", "killed"] {
        assert_eq!(weir.get(&format!("/v1/files/{key}")).status, 404);
    }
    assert_eq!(weir.get("/v1/files/whole").body, text.repeat(3));
}

/// One record of a trace of its own.
fn numbered(trace: &str, number: usize) -> Value {
    let created_at = 1_795_338_000_000_000_i64 + number as i64;
    json!({ "type": "FILE_RECEIVE", "trace": trace, "key": format!("file:{number}"), "createdAt": created_at })
}

fn records_of(weir: &Weir, trace: &str) -> u64 {
    let answer = weir.get(&format!("/v1/traces/{trace}"));
    if answer.status == 404 { 0 } else { answer.json()["records"].as_u64().unwrap() }
}

#[test]
fn an_open_stream_and_a_watch_are_told_of_the_end_and_do_not_hold_it_up() {
    let mut weir = Weir::start(Setup::new());
    let client = client(&weir);
    let open = client.open(SEND_STREAM);
    open.send(json!({ "records": [numbered("a", 0)] }));
    until(SOON, "the open stream's record to be seen", || records_of(&weir, "a") == 1);
    let watch = client.open(WATCH);
    watch.send(json!({}));
    assert!(weir.stop().success());
    let status = open.finish(&client).unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("the first 1 records are done with"), "{status}");
    assert!(!weir.said().contains("still under way"), "{}", weir.said());
}

#[test]
fn what_was_acknowledged_and_what_a_cut_stream_had_on_disk_are_there_after_a_kill() {
    let mut weir = Weir::start(Setup::new());
    for round in 0..from_environment("WEIR_GRPC_KILL_ROUNDS", 3) {
        let client = client(&weir);
        let (cut, whole) = (format!("cut-{round}"), format!("whole-{round}"));
        let open = client.open(SEND_STREAM);
        open.send(json!({ "records": (0..10).map(|number| numbered(&cut, number)).collect::<Vec<_>>() }));
        until(SOON, "the open stream's records to be seen", || records_of(&weir, &cut) == 10);
        // The answer is all that holds the kill back.
        let messages: Vec<Value> =
            (0..20).map(|number| json!({ "records": [numbered(&whole, number)] })).collect();
        assert_eq!(client.call(SEND_STREAM, &messages).unwrap()["accepted"], "20");
        open.send(json!({ "records": [numbered(&cut, 10)] }));
        weir.kill9();
        assert_eq!(open.finish(&client).unwrap_err().code(), Code::Unknown);
        weir.restart();
        weir.drained("lineage", SOON);
        assert_eq!(records_of(&weir, &whole), 20);
        assert!((10..=11).contains(&records_of(&weir, &cut)));
    }
}
