//! Objects in a local folder and in a real MinIO, while Weir and the store are killed, frozen and cut off, and while a
//! disk is full: in the end every line of every object is read, and each event is there once.

use std::collections::BTreeMap;
use std::fs;
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::harness::{Fault, FaultProxy, Load, Minio, Sent, Setup, Tmpfs, Weir, files, lines, until};

const DRAINED_WITHIN: Duration = Duration::from_secs(120);

/// Small batches and short pauses, so that much happens in little time.
const HASTY: &str = "instance_id = \"weir-1\"\n[sinks.archive]\ntype = \"objects\"\nrequest_timeout = \"2s\"\n\
    batch = { max_age = \"50ms\", max_events = 100 }\nretry = { initial = \"20ms\", max = \"500ms\" }\n";

fn into_folder(folder: &str) -> Setup {
    Setup::new().toml(format!("{HASTY}url = \"file:{folder}\"\n"))
}

/// The keys by the names that MinIO's own clients know.
fn into_bucket(endpoint: &str) -> Setup {
    let place = format!("{HASTY}url = \"s3://events/archive\"\nendpoint = \"{endpoint}\"\n");
    let setup = Setup::new().toml(place).variable("MINIO_ACCESS_KEY", "weir");
    setup.variable("MINIO_SECRET_KEY", "weir-password")
}

fn load(name: &str) -> Load {
    Load::new(name).connections(2).events_per_request(10).pause(Duration::from_millis(10))
}

/// lines = distinct = accepted.
#[track_caller]
fn assert_hold_each_once(objects: &BTreeMap<String, String>, weir: &Weir, sent: &Sent) {
    let lines = lines(objects);
    sent.assert_stored_once(lines.iter().map(|line| line["label"].as_str().unwrap().to_owned()).collect());
    let account = weir.metrics().account("archive");
    assert!(account.is_balanced() && account.dead == 0.0, "{account:?}");
    assert_eq!(lines.len() as f64, account.accepted, "{account:?}");
}

#[test]
fn an_events_line_stands_in_its_hour() {
    let weir = Weir::start(into_folder("archive"));
    let event = r#"{"log_id":"12345","page":"/home","event":"click","param":{"n":1.50},"id":"own",
        "occurred_at":"2026-01-02T03:04:05Z"}"#;
    let answer = weir.post("/events", event, &[("content-type", "application/json"), ("device-uuid", "d")]);
    weir.drained("archive", DRAINED_WITHIN);
    let objects = files(&weir.path("archive"));
    let [(name, body)] = objects.iter().collect::<Vec<_>>()[..] else { panic!("{:?}", objects.keys()) };
    assert!(name.starts_with("2026/1/2/3/weir-1_") && name.ends_with(".json"), "{name}");
    let line: Value = serde_json::from_str(body).unwrap();
    assert_eq!(line["id"], answer.json()["ids"][0]);
    assert_eq!(line["occurred_at"], "2026-01-02T03:04:05.000000Z");
    assert_eq!(
        (&line["stream"], &line["page"], &line["device_uuid"]),
        (&"events".into(), &"/home".into(), &"d".into())
    );
    assert_eq!(line["shadowed"]["id"], "own", "nothing that the client said is lost");
    assert!(body.contains(r#""param":{"n":1.50}"#), "{body}");
}

#[test]
fn a_batchs_line_in_the_log_names_the_object_that_has_its_events() {
    let weir = Weir::start(into_folder("archive").variable("WEIR_LOG_FORMAT", "json"));
    weir.accept(r#"{"page":"/home","event":"click"}"#);
    weir.drained("archive", DRAINED_WITHIN);
    let told = || {
        let lines = weir.said();
        let mut lines = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.find(|line| line["message"] == "batch settled")
    };
    until(DRAINED_WITHIN, "the batch's line", || told().is_some());
    let line = told().unwrap();
    let objects = files(&weir.path("archive"));
    assert_eq!(line["labels.places"], *objects.keys().next().unwrap());
    assert_eq!((&line["labels.sink"], &line["labels.delivered"]), (&"archive".into(), &"1".into()));
}

#[test]
fn a_folder_holds_each_event_once_over_kills() {
    let mut weir = Weir::start(into_folder("archive"));
    let mut all = Sent::default();
    for round in 0..8 {
        let running = load(&format!("round-{round}")).pause(Duration::ZERO).start(&weir);
        until(DRAINED_WITHIN, "the load to run", || running.acknowledged() > 100);
        sleep(Duration::from_millis(30 * round));
        weir.kill9();
        weir.restart();
        all.add(running.stop());
    }
    weir.drained("archive", DRAINED_WITHIN);
    let hidden = |name: &String| name.rsplit('/').next().unwrap().starts_with('.');
    until(DRAINED_WITHIN, "what was half written to be cleared", || {
        !files(&weir.path("archive")).keys().any(hidden)
    });
    assert_hold_each_once(&files(&weir.path("archive")), &weir, &all);
}

#[test]
fn a_folder_on_a_full_disk_goes_on_by_itself_when_there_is_room() {
    let Some(disk) = Tmpfs::mount("objects on a full disk", 8 << 20) else { return };
    let folder = disk.path().join("archive");
    let weir = Weir::start(into_folder(folder.to_str().unwrap()));
    let mut sent = load("before").requests(50).run(&weir);
    weir.drained("archive", DRAINED_WITHIN);
    let ballast = disk.fill(64 << 10);
    sent.add(load("full").padding_bytes(2_000).requests(100).run(&weir));
    until(DRAINED_WITHIN, "it to say so", || weir.get("/v1/status").body.contains("the disk is full"));
    fs::remove_file(ballast).unwrap();
    weir.drained("archive", DRAINED_WITHIN);
    assert_hold_each_once(&files(&folder), &weir, &sent);
}

#[test]
fn a_minio_that_is_killed_and_frozen_and_started_again_holds_each_event_once() {
    let Some(mut server) = Minio::start("objects") else { return };
    server.make_bucket("events");
    let mut weir = Weir::start(into_bucket(&server.url()));
    let running = load("rough").start(&weir);
    sleep(Duration::from_secs(2));

    server.kill9();
    sleep(Duration::from_secs(1));
    server.restart();
    sleep(Duration::from_secs(1));

    // Longer than a delivery may take, so that batches are sent again that the server has and will carry out.
    server.freeze();
    sleep(Duration::from_secs(5));
    server.thaw();
    sleep(Duration::from_secs(1));

    weir.kill9();
    weir.restart();
    server.freeze();
    sleep(Duration::from_secs(3));
    weir.kill9();
    server.kill9();
    server.restart();
    weir.restart();
    sleep(Duration::from_secs(1));

    let sent = running.stop();
    weir.drained("archive", DRAINED_WITHIN);
    let objects = server.objects("events");
    assert!(objects.keys().all(|name| name.starts_with("archive/")));
    assert_hold_each_once(&objects, &weir, &sent);
}

#[test]
fn behind_a_network_that_breaks_a_bucket_holds_each_event_once() {
    let Some(server) = Minio::start("objects") else { return };
    server.make_bucket("events");
    let proxy = FaultProxy::before(server.port());
    let weir = Weir::start(into_bucket(&proxy.url()));
    let running = load("broken").start(&weir);
    proxy.go_through(Fault::of_a_bad_day());
    let sent = running.stop();
    assert!(proxy.broken() > 6, "the faults were met: {}", proxy.broken());
    weir.drained("archive", DRAINED_WITHIN);
    assert_hold_each_once(&server.objects("events"), &weir, &sent);
}
