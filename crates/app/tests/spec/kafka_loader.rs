//! Messages that anybody sent to a real Kafka are brought to stores by loaders, which are killed, join and leave, as the
//! broker is: in the end each is there once.

use std::collections::BTreeSet;
use std::path::Path;
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Kafka, Message, Postgres, Setup, Topics, Weir, files, lines, until};

const SUITE: &str = "loaders from Kafka";
const SOON: Duration = Duration::from_secs(60);
const DRAINED_WITHIN: Duration = Duration::from_secs(240);

/// Small batches and short pauses, so that much happens in little time; who dies is missed soon.
fn input(topics: &Topics) -> String {
    format!(
        "[inputs.bus]\ntype = \"kafka\"\nbrokers = \"{}\"\ntopics = [\"orders\"]\ngroup = \"loaders\"\nstream = \"orders\"\n\
         kafka = {{ \"session.timeout.ms\" = 6000, \"topic.metadata.refresh.interval.ms\" = 1000 }}\n\
         [streams.orders]\nrequired = [\"/n\"]\n",
        topics.brokers()
    )
}

fn numbers(range: std::ops::Range<u64>) -> Vec<String> {
    range.map(|number| format!("{{\"n\":{number}}}")).collect()
}

/// Of the input `bus`.
fn sample(weir: &Weir, name: &str) -> f64 {
    weir.metrics().sum(name, &[("input", "bus")]).unwrap_or(f64::NAN)
}

fn delivered(weir: &Weir) -> f64 {
    weir.metrics().sum("weir_events_delivered_total", &[("sink", "sqlite")]).unwrap_or(0.0)
}

#[track_caller]
fn until_all_is_committed(weir: &Weir) {
    let is_done = || sample(weir, "weir_input_lag") == 0.0 && sample(weir, "weir_input_partitions") == 3.0;
    // Where partitions end is asked every ten seconds.
    until(DRAINED_WITHIN, "everything to be settled", is_done);
}

#[test]
fn what_any_producer_sends_becomes_rows_and_what_is_no_event_a_dead_letter_with_its_place() {
    let Some(topics) = Topics::start(SUITE) else { return };
    topics.write("orders", &numbers(0..500));
    let letters_too = input(&topics).replace("group =", "dead_letter_topic = \"poison\"\ngroup =");
    let weir = Weir::start(Setup::new().toml(letters_too + "[sinks.sqlite]\n"));
    let rows = || weir.sqlite::<i64>("SELECT count(*) FROM events")[0];
    until(SOON, "rows", || delivered(&weir) == 500.0);
    assert_eq!(rows(), 500);

    // Poison between good ones: no JSON, no object, what the stream does not want, null, and five megabytes.
    assert!(topics.try_write(
        "orders",
        &["-p", "0", "-k", "key", "-H", "trace=7"],
        b"no json\n[1]\n{\"m\":1}\n{\"n\":500}"
    ));
    assert!(topics.try_write("orders", &["-p", "1", "-Z", "-K", ":"], b"gone:\nhere:{\"n\":501}"));
    let large = weir.path("large");
    std::fs::write(&large, format!("{{\"n\":\"{}\"}}", "x".repeat(5 << 20))).unwrap();
    assert!(topics.try_write("orders", &["-p", "2", large.to_str().unwrap()], b""));
    topics.write("orders", &numbers(502..510));
    until(SOON, "what comes after it", || delivered(&weir) == 510.0);
    assert_eq!(rows(), 510);
    until(SOON, "the dead letters", || sample(&weir, "weir_input_dead_total") == 5.0);

    let stored: BTreeSet<String> =
        weir.sqlite("SELECT extra FROM events WHERE stream = 'orders'").into_iter().collect();
    assert_eq!(stored, numbers(0..510).into_iter().collect());
    let account = weir.metrics().account("sqlite");
    assert!(account.is_balanced() && (account.delivered, account.dead) == (510.0, 0.0), "{account:?}");
    let letters = weir.get_json("/v1/dead-letters?sink=input:bus");
    let letters = letters["items"].as_array().unwrap();
    let reasons: BTreeSet<&str> = letters.iter().map(|letter| letter["reason"].as_str().unwrap()).collect();
    assert_eq!(
        reasons,
        ["invalid_json", "missing_member", "not_an_object", "null_value", "too_large"].into()
    );
    let letter = |reason: &str| letters.iter().find(|letter| letter["reason"] == reason).unwrap();
    let source = &letter("invalid_json")["source"];
    assert_eq!(
        (&source["topic"], &source["partition"], &source["key"]),
        (&json!("orders"), &json!(0), &json!("key"))
    );
    assert_eq!((&source["headers"]["trace"], source["offset"].is_u64()), (&json!("7"), true));
    assert_eq!(letter("invalid_json")["bytes"], "bm8ganNvbg==");
    assert_eq!(letter("missing_member")["event"], json!({ "m": 1 }));
    assert_eq!(letter("null_value")["source"]["key"], "gone");

    // They are in a topic of their own, too, as they were, with where they stood.
    let poison = Kafka::read_from(&topics.brokers(), "poison");
    assert_eq!(poison.len(), 5);
    let is_of =
        |reason: &'static str| move |message: &&Message| message.header("dead_letter_reason") == Some(reason);
    let message = poison.iter().find(is_of("invalid_json")).unwrap();
    assert_eq!((message.key(), message.text(), message.header("trace")), (Some("key"), "no json", Some("7")));
    let place = ["topic", "partition", "offset"].map(|name| message.header(&format!("dead_letter_{name}")));
    let offset = source["offset"].to_string();
    assert_eq!(place, [Some("orders"), Some("0"), Some(offset.as_str())]);

    // No sink waits for them.
    let id = letter("null_value")["id"].as_str().unwrap();
    assert_eq!(weir.post(&format!("/v1/dead-letters/{id}/replay"), "", &[]).status, 409);
    until_all_is_committed(&weir);
    let status = weir.get_json("/v1/status");
    let input = &status["inputs"][0];
    assert_eq!(
        (&input["name"], &input["state"], &input["dead"]),
        (&json!("bus"), &json!("running"), &json!(5))
    );
    assert_eq!(input["partitions"].as_array().unwrap().len(), 3);
}

#[test]
fn a_message_of_the_registry_is_the_event_that_store_makes_of_it() {
    let Some(topics) = Topics::start(SUITE) else { return };
    let schemas =
        concat!("[schemas]\ndir = \"", env!("CARGO_MANIFEST_DIR"), "/../../schemas\"\n[sinks.sqlite]\n");
    let input = format!(
        "[inputs.bus]\ntype = \"kafka\"\nbrokers = \"{}\"\ntopics = [\"^event-.*\"]\nformat = \"protobuf\"\n",
        topics.brokers()
    );
    let field = |number: u8, bytes: &[u8]| [&[number << 3 | 2, bytes.len() as u8], bytes].concat();
    let id = "36eca638-4c0f-4d11-bc9b-cc2290851032";
    let context = [&[8, 7, 16, 8, 24, 9], &field(4, id.as_bytes())[..], &field(5, b"agent")].concat();
    let wire = [field(1, &context), field(2, b"u"), vec![4 << 3, 2]].concat();
    let dir = tempfile::tempdir().unwrap();
    let (good, poison) = (dir.path().join("good"), dir.path().join("poison"));
    std::fs::write(&good, &wire).unwrap();
    std::fs::write(&poison, &wire[..20]).unwrap();
    let write = |key: &str, file: &Path| {
        assert!(topics.try_write("event-messages", &["-k", key, file.to_str().unwrap()], b""));
    };
    write(&format!("TestEvent_{id}"), &good);
    write("TestEvent", &poison);
    write("NoEvent", &good);

    let weir = Weir::start(Setup::new().toml(input + schemas));
    until(SOON, "the row and the dead letters", || {
        delivered(&weir) == 1.0 && sample(&weir, "weir_input_dead_total") == 2.0
    });
    let stored: Vec<String> = weir.sqlite("SELECT extra FROM events WHERE stream = 'store'");
    let expected = json!({
        "event_name": "TestEvent", "userId": "u", "userRole": "VIEWER",
        "context": { "sentAt": "7", "receivedAt": "8", "processedAt": "9", "messageId": id, "userAgent": "agent" },
    });
    assert_eq!(serde_json::from_str::<Value>(&stored[0]).unwrap(), expected);
    assert_eq!(weir.sqlite::<String>("SELECT log_id FROM events"), [id]);
    let letters = weir.get_json("/v1/dead-letters?sink=input:bus");
    let reasons: BTreeSet<&str> = letters["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|letter| letter["reason"].as_str().unwrap())
        .collect();
    assert_eq!(reasons, ["schema", "unknown_event"].into());
}

#[test]
fn a_restarted_loader_goes_on_where_it_was_and_its_accounts_with_it() {
    let Some(topics) = Topics::start(SUITE) else { return };
    topics.write("orders", &numbers(0..300));
    let mut weir = Weir::start(Setup::new().toml(input(&topics) + "[sinks.sqlite]\n"));
    until(SOON, "rows", || delivered(&weir) == 300.0);
    let stopped = weir.stop();
    assert!(stopped.success(), "{stopped}");
    topics.write("orders", &numbers(300..400));
    weir.restart();
    until(SOON, "the rest", || delivered(&weir) == 400.0);
    let duplicates = weir.metrics().sum("weir_events_duplicate_total", &[("sink", "sqlite")]);
    assert_eq!(duplicates, Some(0.0), "an orderly end leaves nothing to send twice");
    assert_eq!(weir.sqlite::<i64>("SELECT count(*) FROM events"), [400]);
}

/// Writes on and on until told to stop; what was written last may be there or not.
struct Writer {
    stop: std::sync::Arc<std::sync::atomic::AtomicBool>,
    thread: std::thread::JoinHandle<Written>,
}

/// How far it came.
struct Written {
    /// The broker has all below.
    acknowledged: BTreeSet<u64>,
    /// It may have these.
    unknown: BTreeSet<u64>,
}

impl Writer {
    fn start(topics: &Topics) -> Self {
        let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let (stopped, brokers) = (stop.clone(), topics.brokers());
        let thread = spawn(move || {
            let mut written = Written { acknowledged: BTreeSet::new(), unknown: BTreeSet::new() };
            for at in (0..).step_by(200) {
                if stopped.load(std::sync::atomic::Ordering::Relaxed) {
                    break;
                }
                let lines = numbers(at..at + 200).join("\n");
                let is_there = Topics::write_to(&brokers, "orders", &[], lines.as_bytes());
                let set = if is_there { &mut written.acknowledged } else { &mut written.unknown };
                set.extend(at..at + 200);
                sleep(Duration::from_millis(50));
            }
            written
        });
        Self { stop, thread }
    }

    fn stop(self) -> Written {
        self.stop.store(true, std::sync::atomic::Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// One of several loaders: into a table that they share, and a folder, in which what is once there is not there again.
fn loader(topics: &Topics, server: &Postgres, folder: &Path) -> Setup {
    let sinks = format!(
        "[sinks.warehouse]\ntype = \"postgres\"\nurl = \"{}\"\nstatement_timeout = \"2s\"\n\
         batch = {{ max_age = \"50ms\", max_events = 100 }}\nretry = {{ initial = \"20ms\", max = \"500ms\" }}\n\
         [sinks.archive]\ntype = \"objects\"\nurl = \"file:{}\"\nname = \"{{year}}/{{month}}/{{day}}/{{hash}}.json\"\n\
         batch = {{ max_age = \"80ms\", max_events = 70 }}\nretry = {{ initial = \"20ms\", max = \"500ms\" }}\n",
        server.url(),
        folder.display()
    );
    Setup::new().toml(input(topics) + &sinks)
}

#[test]
fn loaders_and_broker_are_killed_join_and_leave_and_every_message_is_there_once() {
    let (Some(mut topics), Some(server)) = (Topics::start(SUITE), Postgres::start(SUITE)) else { return };
    topics.write("orders", &["{\"n\":1000000}".to_owned()]);
    let folder = tempfile::tempdir().unwrap();
    let mut first = Weir::start(loader(&topics, &server, folder.path()));
    let writer = Writer::start(&topics);
    sleep(Duration::from_secs(3));
    for _ in 0..3 {
        first.kill9();
        first.restart();
        sleep(Duration::from_secs(2));
    }
    let mut second = Weir::start(loader(&topics, &server, folder.path()));
    until(SOON, "both to have partitions", || sample(&second, "weir_input_partitions") >= 1.0);
    sleep(Duration::from_secs(2));
    // One goes without a word, and comes again; the other leaves in order.
    first.kill9();
    sleep(Duration::from_secs(2));
    first.restart();
    until(SOON, "it to be back", || sample(&first, "weir_input_partitions") >= 1.0);
    assert!(second.stop().success());
    sleep(Duration::from_secs(2));
    topics.kill9();
    sleep(Duration::from_secs(2));
    topics.restart();
    sleep(Duration::from_secs(3));
    // A frozen one is put out of the group, and finds out when it thaws.
    second.restart();
    until(SOON, "both to have partitions", || sample(&second, "weir_input_partitions") >= 1.0);
    first.freeze();
    sleep(Duration::from_secs(12));
    first.thaw();
    sleep(Duration::from_secs(3));
    let written = writer.stop();
    assert!(second.stop().success());
    until_all_is_committed(&first);

    let began = Instant::now();
    let rows = server.ask("SELECT extra->>'n' FROM events");
    assert!(written.acknowledged.len() > 2_000, "{} in {:?}", written.acknowledged.len(), began.elapsed());
    assert_each_once(&rows.iter().map(|row| row.parse().unwrap()).collect::<Vec<u64>>(), &written);
    let objects = files(folder.path());
    let in_objects: Vec<u64> =
        lines(&objects).iter().map(|line: &Value| line["n"].as_u64().unwrap()).collect();
    assert_each_once(&in_objects, &written);
    for sink in ["warehouse", "archive"] {
        let account = first.metrics().account(sink);
        assert!(account.pending == 0.0 && account.dead == 0.0, "{account:?}");
    }
}

#[track_caller]
fn assert_each_once(stored: &[u64], written: &Written) {
    let distinct: BTreeSet<u64> = stored.iter().copied().collect();
    assert_eq!(stored.len(), distinct.len(), "something is there twice");
    let lost: Vec<_> = written.acknowledged.difference(&distinct).take(20).collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
    let is_foreign =
        |number: &&u64| !written.acknowledged.contains(number) && !written.unknown.contains(number);
    let foreign: Vec<_> = distinct.iter().filter(|number| **number != 1_000_000).filter(is_foreign).collect();
    assert!(foreign.is_empty(), "never sent: {foreign:?}");
}
