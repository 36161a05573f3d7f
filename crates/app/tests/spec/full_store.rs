//! Real stores whose disks fill up while events come in. Weir keeps what they do not take, says what they say, gives
//! nothing up, not even killed beside them, and goes on by itself once there is room. In the end they hold each event
//! once.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{
    Account, ClickHouse, Load, Minio, OpenSearch, Postgres, Running, Sent, Setup, Tmpfs, Weir, lines, until,
};

const SOON: Duration = Duration::from_secs(60);
const DRAINED_WITHIN: Duration = Duration::from_secs(120);
/// Of each store's disk.
const DISK_BYTES: u64 = 256 << 20;
/// Less than what a batch of the load takes.
const LEFT_BYTES: u64 = 64 << 10;
/// How much has to come in for a store that takes nothing.
const HELD_EVENTS: f64 = 500.0;

/// Small batches and short pauses, so that much happens in little time.
const HASTY: &str =
    "batch = { max_age = \"50ms\", max_events = 100 }\nretry = { initial = \"20ms\", max = \"500ms\" }\n";

/// The settings of the one sink, called `store`.
fn into(settings: &str) -> Setup {
    Setup::new().toml(format!("[sinks.store]\n{settings}{HASTY}"))
}

fn into_postgres(server: &Postgres) -> Setup {
    into("type = \"postgres\"\nurl = \"env:STORE_URL\"\nstatement_timeout = \"2s\"\n")
        .variable("STORE_URL", &server.url())
}

fn into_opensearch(server: &OpenSearch) -> Setup {
    into(&format!("type = \"opensearch\"\nurl = \"{}\"\nrequest_timeout = \"2s\"\n", server.url()))
}

fn load() -> Load {
    Load::new("full")
        .connections(2)
        .events_per_request(10)
        .padding_bytes(1000)
        .pause(Duration::from_millis(20))
}

/// What the sink's last attempt came to, as `/v1/status` has it.
fn last_error(weir: &Weir) -> String {
    let status = weir.get_json("/v1/status");
    let sink = status["sinks"].as_array().unwrap().iter().find(|sink| sink["name"] == "store").unwrap();
    sink["last_error"]["text"].as_str().unwrap_or_default().to_owned()
}

/// A load under way, of which something has arrived.
#[track_caller]
fn begin(weir: &Weir) -> Running {
    let running = load().start(weir);
    until(SOON, "events to be delivered", || weir.metrics().account("store").delivered > 100.0);
    running
}

/// While the store takes nothing: Weir says so in these words and keeps all that comes, also over a kill. What it keeps.
#[track_caller]
fn assert_kept(weir: &mut Weir, words: &str) -> Account {
    until(SOON, "it to say what is wrong", || last_error(weir).contains(words));
    weir.kill9();
    weir.restart();
    let before = weir.metrics().account("store").pending;
    until(SOON, "more to be kept", || weir.metrics().account("store").pending > before + HELD_EVENTS);
    let kept = weir.metrics().account("store");
    assert!(kept.is_balanced() && kept.dead == 0.0, "{kept:?}");
    kept
}

/// Once there is room, it goes on by itself, and the load ends.
#[track_caller]
fn assert_goes_on(weir: &Weir, running: Running, kept: Account) -> Sent {
    until(SOON, "it to go on by itself", || {
        weir.metrics().account("store").delivered > kept.delivered + kept.pending
    });
    let sent = running.stop();
    weir.drained("store", DRAINED_WITHIN);
    sent
}

/// All of it, with a disk that is full and then no longer.
#[track_caller]
fn fill(disk: &Tmpfs, weir: &mut Weir, words: &str) -> Sent {
    let running = begin(weir);
    let ballast = disk.fill(LEFT_BYTES);
    let kept = assert_kept(weir, words);
    fs::remove_file(ballast).unwrap();
    assert_goes_on(weir, running, kept)
}

/// accepted = distinct = stored. `marks` are those that the store holds.
#[track_caller]
fn assert_hold_each_once(weir: &Weir, sent: &Sent, marks: Vec<String>) {
    let account = weir.metrics().account("store");
    assert!(account.is_balanced() && account.dead == 0.0 && account.pending == 0.0, "{account:?}");
    assert_eq!(marks.len() as f64, account.accepted, "{account:?}");
    sent.assert_stored_once(marks);
}

#[test]
fn a_postgres_whose_tables_have_no_room_gets_each_event_once_when_there_is_some() {
    let Some(disk) = Tmpfs::mount("full_store", DISK_BYTES) else { return };
    let Some(server) = Postgres::start("full_store") else { return };
    server.make_tables_on(&disk);
    let mut weir = Weir::start(into_postgres(&server));
    let sent = fill(&disk, &mut weir, "No space left on device (53100)");
    assert_hold_each_once(&weir, &sent, server.ask("SELECT label FROM events"));
}

#[test]
fn a_postgres_that_ends_itself_for_want_of_room_for_its_log_gets_each_event_once_after_its_start() {
    // Its log grows by files of 16 MiB.
    let Some(disk) = Tmpfs::mount("full_store", DISK_BYTES) else { return };
    let Some(mut server) = Postgres::start("full_store") else { return };
    server.move_log_to(&disk);
    let mut weir = Weir::start(into_postgres(&server));
    let running = begin(&weir);
    let ballast = disk.fill(LEFT_BYTES);
    until(SOON, "the server to end", || server.is_gone());
    let kept = assert_kept(&mut weir, "Connection refused");
    fs::remove_file(ballast).unwrap();
    server.restart();
    let sent = assert_goes_on(&weir, running, kept);
    assert_hold_each_once(&weir, &sent, server.ask("SELECT label FROM events"));
}

#[test]
fn a_clickhouse_on_a_full_disk_gets_each_event_once_when_there_is_room() {
    let Some(disk) = Tmpfs::mount("full_store", DISK_BYTES) else { return };
    let Some(server) = ClickHouse::start_on(&disk, "full_store") else { return };
    let settings = format!("type = \"clickhouse\"\nurl = \"{}\"\nrequest_timeout = \"2s\"\n", server.url());
    let mut weir = Weir::start(into(&settings));
    let sent = fill(&disk, &mut weir, "NOT_ENOUGH_SPACE");
    for table in ["events FINAL", "events"] {
        assert_hold_each_once(&weir, &sent, server.ask(&format!("SELECT label FROM {table}")));
    }
}

#[test]
fn a_bucket_of_a_minio_on_a_full_disk_gets_each_event_once_when_there_is_room() {
    let Some(disk) = Tmpfs::mount("full_store", DISK_BYTES) else { return };
    let Some(server) = Minio::start_on(&disk, "full_store") else { return };
    server.make_bucket("events");
    let settings = format!(
        "type = \"objects\"\nurl = \"s3://events/archive\"\nendpoint = \"{}\"\nrequest_timeout = \"2s\"\n",
        server.url()
    );
    let setup = into(&settings).variable("MINIO_ACCESS_KEY", "weir");
    let mut weir = Weir::start(setup.variable("MINIO_SECRET_KEY", "weir-password"));
    let sent = fill(&disk, &mut weir, "XMinioStorageFull");
    let label = |line: &Value| line["label"].as_str().unwrap().to_owned();
    let marks = lines(&server.objects("events")).iter().map(label).collect();
    assert_hold_each_once(&weir, &sent, marks);
}

fn marks_in(server: &OpenSearch) -> Vec<String> {
    let label = |document: &Value| document["_source"]["event_info"]["label"].as_str().unwrap().to_owned();
    server.documents("events_*").iter().map(label).collect()
}

#[test]
fn an_opensearch_on_a_full_disk_gets_each_event_once_when_there_is_room() {
    let Some(disk) = Tmpfs::mount("full_store", DISK_BYTES) else { return };
    let Some(server) = OpenSearch::start_on(&disk, "full_store") else { return };
    let mut weir = Weir::start(into_opensearch(&server));
    let running = begin(&weir);
    let ballast = disk.fill(LEFT_BYTES);
    // What it says then differs: no room, no shard, or nothing at all.
    let kept = assert_kept(&mut weir, &server.url());
    fs::remove_file(ballast).unwrap();
    until(SOON, "it to try again", || server.takes_heart());
    let sent = assert_goes_on(&weir, running, kept);
    assert_hold_each_once(&weir, &sent, marks_in(&server));
}

#[test]
fn an_opensearch_that_closes_its_indices_before_the_disk_is_full_gets_each_event_once_when_it_opens_them() {
    let Some(server) = OpenSearch::start("full_store") else { return };
    let mut weir = Weir::start(into_opensearch(&server));
    // What it does by itself beyond its flood stage, and takes back below its high watermark.
    let set_closed = |closed: Value| {
        server.change("/events_*/_settings", &json!({ "index.blocks.read_only_allow_delete": closed }));
    };
    let running = begin(&weir);
    set_closed(true.into());
    let kept = assert_kept(&mut weir, "disk usage exceeded flood-stage watermark");
    set_closed(Value::Null);
    let sent = assert_goes_on(&weir, running, kept);
    assert_hold_each_once(&weir, &sent, marks_in(&server));
}
