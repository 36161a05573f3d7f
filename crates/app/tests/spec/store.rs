//! `/store` as the original's users know it: events of types that are known from files, into a table and into objects,
//! and a type that is added while Weir runs.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Answer, Client, Setup, Weir, files, free_port, lines, until};

const SOON: Duration = Duration::from_secs(60);
pub const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas");
const CONTEXT: &str = include_str!("../../../../schemas/events/context.proto");

/// Weir with `/store` on a port of its own.
struct Store {
    weir: Weir,
    client: Client,
    port: u16,
}

impl Store {
    #[track_caller]
    fn start(schemas: &str, more: &str) -> Self {
        let port = free_port();
        let toml = format!(
            "instance_id = \"weir-1\"\n[store]\nport = {port}\n[schemas]\ndir = \"{schemas}\"\n{more}\n\
             [sinks.table]\ntype = \"sqlite\"\npath = \"data/events.db\"\nbatch = {{ max_age = \"50ms\" }}\n\
             [sinks.archive]\ntype = \"objects\"\nurl = \"file:archive\"\nbatch = {{ max_age = \"50ms\" }}\n"
        );
        let weir = Weir::start(Setup::new().toml(toml));
        Self { weir, client: Client::new(format!("http://127.0.0.1:{port}")), port }
    }

    /// Sends an event without a key.
    #[track_caller]
    fn send(&self, event: &Value) -> Answer {
        self.client
            .post("/store", event.to_string().as_bytes(), &[("content-type", "application/json")])
            .unwrap()
    }

    fn settle(&self) {
        for sink in ["table", "archive"] {
            self.weir.drained(sink, SOON);
        }
    }

    /// The name of each event type in force.
    fn types(&self) -> BTreeSet<String> {
        let list = self.weir.get_json("/v1/schemas");
        let items = list["items"].as_array().unwrap().iter();
        items.map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    }
}

fn id(number: u64) -> String {
    format!("36eca638-4c0f-4d11-bc9b-{number:012}")
}

/// The original's own example, `number` hours later.
pub fn event(number: u64) -> Value {
    let at = 1_701_530_942 + number * 3_600;
    json!({
        "event_name": "TestEvent",
        "context": {
            "sent_at": at - 7_200, "received_at": at, "processed_at": at + 1,
            "message_id": id(number), "user_agent": "some_user_agent"
        },
        "data": { "user_id": format!("user {number}"), "account_id": "example_account_id", "user_role": "OWNER" }
    })
}

/// What the mapping makes of it.
pub fn mapped(number: u64) -> Value {
    let at = 1_701_530_942 + number * 3_600;
    json!({
        "context": {
            "sentAt": (at - 7_200).to_string(), "receivedAt": at.to_string(), "processedAt": (at + 1).to_string(),
            "messageId": id(number), "userAgent": "some_user_agent"
        },
        "userId": format!("user {number}"), "accountId": "example_account_id", "userRole": "OWNER"
    })
}

pub fn by_id(mut events: Vec<Value>) -> Vec<Value> {
    events.sort_by_key(|event| event["context"]["messageId"].as_str().unwrap().to_owned());
    events
}

#[test]
fn fifteen_events_become_rows_and_lines_that_are_equal_to_what_was_sent() {
    let store = Store::start(SHIPPED, "");
    for number in 0..15 {
        let answer = store.send(&event(number));
        assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    }
    store.settle();

    let expected: Vec<Value> = (0..15).map(mapped).collect();
    let rows = store.weir.sqlite::<String>("select extra from events where stream = 'store'");
    let rows: Vec<Value> = rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect();
    assert!(rows.iter().all(|row| row["event_name"] == "TestEvent"));
    let without_name = |mut row: Value| {
        row.as_object_mut().unwrap().remove("event_name");
        row
    };
    assert_eq!(by_id(rows.into_iter().map(without_name).collect()), expected);
    let ids = store.weir.sqlite::<String>("select log_id from events order by log_id");
    assert_eq!(ids, (0..15).map(id).collect::<Vec<_>>());
    let sent_at = store.weir.sqlite::<i64>("select occurred_at from events order by log_id limit 1");
    assert_eq!(sent_at, [1_701_523_742_000_000]);

    let objects = files(&store.weir.path("archive"));
    assert_eq!(by_id(lines(&objects)), expected);
    let hour = |name: &String| name.rsplit_once('/').unwrap().0.to_owned();
    let hours: BTreeSet<String> = objects.keys().map(hour).collect();
    let first = (15..24).map(|hour| format!("2023/12/2/{hour}"));
    assert_eq!(hours, first.chain((0..6).map(|hour| format!("2023/12/3/{hour}"))).collect());
    for name in objects.keys() {
        assert!(name.split('/').nth(4).unwrap().starts_with("weir-1_"), "{name}");
    }
}

#[test]
fn the_originals_own_words_work() {
    let store = Store::start(SHIPPED, "");
    let address = format!("http://localhost:{}/store", store.port);
    let body = event(0).to_string();
    let arguments = ["-s", "-o", "-", "-w", "%{http_code}", "--noproxy", "*", "-X", "POST"];
    let mut command = Command::new("curl");
    command.args(arguments).args(["-H", "Content-Type: application/json", &address, "-d", &body]);
    let Ok(output) = command.output() else {
        return crate::harness::skipped("store", "there is no curl");
    };
    assert_eq!(String::from_utf8_lossy(&output.stdout), "204");
}

#[test]
fn a_repeat_is_one_row_also_after_a_kill() {
    let mut store = Store::start(SHIPPED, "");
    assert_eq!(store.send(&event(0)).status, 204);
    store.weir.kill9();
    store.weir.restart();
    assert_eq!(store.send(&event(0)).status, 204);
    store.settle();
    assert_eq!(store.weir.sqlite::<i64>("select count(*) from events"), [1]);
}

#[test]
fn a_key_is_needed_wherever_something_may_stand_between() {
    let store = Store::start(SHIPPED, "");
    let kind = ("content-type", "application/json");
    let body = event(0).to_string();
    let main = store.weir.stranger();
    assert_eq!(main.post("/store", body.as_bytes(), &[kind]).unwrap().status, 204);
    for relayed in
        [("x-forwarded-for", "127.0.0.1"), ("origin", "http://localhost:3000"), ("host", "weir.example.com")]
    {
        assert_eq!(
            main.post("/store", body.as_bytes(), &[kind, relayed]).unwrap().status,
            401,
            "{relayed:?}"
        );
        assert_eq!(store.weir.post("/store", &body, &[kind, relayed]).status, 204, "{relayed:?}");
    }
    assert_eq!(store.client.get("/v1/status").unwrap().status, 401);
    assert_eq!(store.client.get("/ping").unwrap().body, "pong");

    let strict = Store::start(SHIPPED, "[server]\nhost = \"0.0.0.0\"\n");
    assert_eq!(strict.send(&event(0)).status, 401);
}

/// A folder with a type `First`, and another that can be added.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("events")).unwrap();
    fs::write(folder.path().join("events/context.proto"), CONTEXT).unwrap();
    write_type(folder.path(), "first.proto", "First");
    folder
}

fn write_type(folder: &Path, file: &str, name: &str) {
    let text = format!(
        "syntax = \"proto3\";\npackage events;\nimport \"events/context.proto\";\n\
         message {name} {{ optional EventContext context = 1; optional string user_id = 2; }}\n"
    );
    fs::write(folder.join("events").join(file), text).unwrap();
}

/// An event of another type.
fn of_type(name: &str, number: u64) -> Value {
    let mut event = event(number);
    event["event_name"] = json!(name);
    event["data"] = json!({ "user_id": "u" });
    event
}

#[test]
fn a_type_that_is_added_is_taken_without_a_restart_and_a_broken_file_takes_none_away() {
    let folder = folder();
    let store = Store::start(folder.path().to_str().unwrap(), "");
    assert_eq!(store.send(&of_type("First", 1)).status, 204);
    let unknown = store.send(&of_type("Second", 2));
    assert_eq!((unknown.status, &unknown.json()["errors"][0]["path"]), (400, &json!("/event_name")));

    write_type(folder.path(), "second.proto", "Second");
    until(SOON, "the new type to be taken", || store.send(&of_type("Second", 2)).status == 204);
    assert_eq!(store.types(), ["First", "Second"].map(str::to_owned).into());

    fs::write(folder.path().join("events/second.proto"), "syntax = \"proto3\";\nmessage Second { broken }\n")
        .unwrap();
    until(SOON, "the broken file to be told", || !store.weir.get_json("/v1/schemas")["trouble"].is_null());
    let trouble = store.weir.get_json("/v1/schemas")["trouble"].as_str().unwrap().to_owned();
    assert!(trouble.contains("events/second.proto:2:") && trouble.contains("expected"), "{trouble}");
    until(SOON, "it to be said in the log, too", || store.weir.said().contains("events/second.proto:2:"));
    assert_eq!(store.send(&of_type("Second", 3)).status, 204);
    store.settle();
    assert_eq!(store.weir.sqlite::<i64>("select count(*) from events"), [3]);
}

#[test]
fn a_folder_that_does_not_compile_keeps_weir_from_starting_and_says_where() {
    let folder = folder();
    fs::write(folder.path().join("events/broken.proto"), "syntax = \"proto3\";\nmessage {\n").unwrap();
    let toml = format!("[schemas]\ndir = \"{}\"\n", folder.path().display());
    let mut weir = Weir::prepare(Setup::new().toml(toml));
    weir.launch();
    assert_eq!(weir.wait().code(), Some(1));
    assert!(weir.said().contains("events/broken.proto:2:9:"), "{}", weir.said());
}

#[test]
fn the_commands_tell_what_a_folder_has_and_what_a_change_would_break() {
    let (old, new) = (folder(), folder());
    write_type(new.path(), "second.proto", "Second");
    let toml = format!("[schemas]\ndir = \"{}\"\n", new.path().display());
    let weir = Weir::prepare(Setup::new().toml(toml));
    let old_dir = old.path().to_str().unwrap();
    let run = |arguments: &[&str]| {
        let output = weir.run(&[&["schemas"], arguments].concat());
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        (output.status.code().unwrap(), text)
    };
    let (status, listed) = run(&["list"]);
    assert_eq!(status, 0, "{listed}");
    for word in ["First", "Second", "events/second.proto", "optional events.EventContext", "user_id"] {
        assert!(listed.contains(word), "{word}: {listed}");
    }
    assert_eq!(run(&["check"]), (0, "OK: 2 event types in 3 files\n".to_owned()));
    assert_eq!(run(&["compat", old_dir]).0, 0);

    let changed = "syntax = \"proto3\";\npackage events;\nimport \"events/context.proto\";\n\
        message First { optional EventContext context = 1; optional string name = 2; }\n";
    fs::write(new.path().join("events/first.proto"), changed).unwrap();
    let (status, told) = run(&["compat", "--against", old_dir, "--json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((status, &told["breaks"][0]["kind"]), (1, &json!("number_reused")));
    assert_eq!(told["breaks"][0]["place"], "events.First.user_id");

    fs::write(new.path().join("events/first.proto"), "syntax = \"proto3\";\nmessage First { a }\n").unwrap();
    let (status, told) = run(&["check"]);
    assert!(status == 1 && told.contains("events/first.proto:2:"), "{status} {told}");
    assert_eq!(run(&["check", "--schemas", old_dir]).0, 0);
    assert_eq!(run(&["list", "--schemas", "/nonexistent"]).0, 1);
}
