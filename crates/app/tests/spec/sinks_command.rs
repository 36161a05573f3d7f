//! `weir sinks`: what a person asks of sinks beside the running server.

use std::fs;
use std::process::Output;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Setup, Weir, free_port, until};

const SOON: Duration = Duration::from_secs(60);
const TWO: &str = "[sinks.kept]\ntype = \"sqlite\"\n[sinks.kept.batch]\nmax_age = \"50ms\"\n\
                   [sinks.other]\ntype = \"blackhole\"\n[sinks.other.batch]\nmax_age = \"50ms\"\n";
const EVENT: &str = r#"{"page":"/a","event":"x"}"#;

/// What it said on both streams, and its exit status.
#[track_caller]
fn told(weir: &Weir, arguments: &[&str]) -> (i32, String) {
    let Output { status, stdout, stderr } = weir.run(&[&["sinks"], arguments].concat());
    let text = [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    (status.code().unwrap(), text)
}

#[track_caller]
fn json_of(weir: &Weir, arguments: &[&str]) -> Value {
    let (status, text) = told(weir, &[arguments, &["--json"]].concat());
    assert_eq!(status, 0, "{text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A member of a listed sink.
#[track_caller]
fn listed(weir: &Weir, sink: &str, member: &str) -> Value {
    let list = json_of(weir, &["list"]);
    let items = list["items"].as_array().unwrap();
    let item = items.iter().find(|item| item["name"] == sink);
    item.unwrap_or_else(|| panic!("{sink} is not listed: {list}"))[member].clone()
}

#[test]
fn sinks_are_listed_and_checked_and_one_that_is_not_well_ends_the_check_with_1() {
    let away = free_port();
    let settings = format!("{TWO}[sinks.search]\ntype = \"opensearch\"\nurl = \"http://127.0.0.1:{away}\"\n");
    let weir = Weir::start(Setup::new().toml(settings));
    weir.accept(EVENT);
    weir.drained("kept", SOON);

    let (status, text) = told(&weir, &["list"]);
    assert_eq!(status, 0, "{text}");
    for name in ["NAME", "kept", "other", "search", "running"] {
        assert!(text.contains(name), "{name}: {text}");
    }
    assert_eq!(listed(&weir, "kept", "delivered"), json!(1));

    assert_eq!(told(&weir, &["check", "kept"]), (0, "kept: well\n".to_owned()));
    let (status, text) = told(&weir, &["check"]);
    assert_eq!(status, 1, "{text}");
    assert!(text.contains("kept: well") && text.contains("search: NOT WELL"), "{text}");
    assert!(text.contains(&away.to_string()), "it says what is wrong: {text}");

    let (status, text) = told(&weir, &["check", "none"]);
    assert!(status == 1 && text.contains("there is no sink \"none\""), "{status} {text}");
    assert_eq!(told(&weir, &["pause"]).0, 2, "used wrongly");
}

#[test]
fn a_paused_sink_stays_paused_over_a_kill_and_gets_all_of_its_events_when_it_is_resumed() {
    let mut weir = Weir::start(Setup::new().toml(TWO));
    weir.accept(EVENT);
    weir.drained("kept", SOON);
    let (status, text) = told(&weir, &["pause", "kept"]);
    assert!(status == 0 && text.contains("kept is paused"), "{text}");
    weir.accept(EVENT);
    weir.drained("other", SOON);
    weir.kill9();
    weir.restart();
    weir.accept(EVENT);
    weir.drained("other", SOON);

    assert_eq!(
        (listed(&weir, "kept", "state"), listed(&weir, "kept", "pending")),
        (json!("paused"), json!(2))
    );
    let metrics = weir.metrics();
    assert_eq!(metrics.sum("weir_sink_paused", &[("sink", "kept")]), Some(1.0));
    assert_eq!(metrics.sum("weir_sink_paused", &[("sink", "other")]), Some(0.0));
    assert!(metrics.account("kept").is_balanced(), "{metrics:?}");
    assert_eq!(weir.sqlite::<i64>("select count(*) from events"), [1]);

    assert_eq!(json_of(&weir, &["resume", "kept"]), json!({ "name": "kept", "paused": false }));
    weir.drained("kept", SOON);
    assert_eq!(weir.sqlite::<i64>("select count(*) from events"), [3]);
    assert_eq!(listed(&weir, "kept", "state"), json!("running"));
}

#[test]
fn a_renamed_sink_is_a_new_one_and_what_the_old_name_lacks_is_kept_until_it_is_forgotten_by_name() {
    let mut weir = Weir::start(Setup::new().toml(TWO));
    assert_eq!(told(&weir, &["pause", "kept"]).0, 0);
    weir.accept(EVENT);
    weir.drained("other", SOON);
    weir.stop();
    fs::write(weir.path("weir.toml"), TWO.replace("sinks.kept", "sinks.renamed")).unwrap();
    weir.restart();

    until(SOON, "the start to say what a new name means", || {
        weir.said().contains("a renamed sink is a new sink") && weir.said().contains("weir sinks forget kept")
    });
    weir.accept(EVENT);
    weir.drained("renamed", SOON);
    assert_eq!(
        (listed(&weir, "kept", "state"), listed(&weir, "kept", "pending")),
        (json!("removed"), json!(2))
    );

    let (status, text) = told(&weir, &["forget", "renamed", "--confirm", "renamed"]);
    assert!(status == 1 && text.contains("is configured"), "{text}");
    let (status, text) = told(&weir, &["forget", "kept"]);
    assert_eq!(status, 1, "there is nobody to ask: {text}");
    assert!(
        text.contains("2 pending events and 0 dead letters") && text.contains("--confirm kept"),
        "{text}"
    );
    let (status, text) = told(&weir, &["forget", "kept", "--confirm", "Kept"]);
    assert!(status == 1 && text.contains("nothing was done"), "{text}");
    assert_eq!(weir.metrics().sum("weir_events_pending", &[("sink", "kept")]), Some(2.0));

    let forgotten = json_of(&weir, &["forget", "kept", "--confirm", "kept"]);
    assert_eq!(forgotten, json!({ "forgotten": "kept", "pending": 2, "dead": 0 }));
    assert_eq!(weir.metrics().sum("weir_events_pending", &[("sink", "kept")]), None);
    assert_eq!(json_of(&weir, &["list"])["items"].as_array().unwrap().len(), 3);
    weir.kill9();
    weir.restart();
    assert_eq!(json_of(&weir, &["list"])["items"].as_array().unwrap().len(), 3, "it stays forgotten");
}

#[test]
fn a_sink_is_given_again_what_the_log_keeps_of_a_period() {
    let weir = Weir::start(Setup::new().toml(TWO));
    weir.accept(EVENT);
    weir.drained("kept", SOON);
    let begun =
        json_of(&weir, &["replay", "kept", "--from", "2000-01-01T00:00:00Z", "--to", "2100-01-01T00:00:00Z"]);
    assert_eq!(begun["replays"][0]["events"], json!(1));
    until(SOON, "the replay to end", || {
        weir.get_json("/v1/status")["sinks"].as_array().unwrap().iter().all(|sink| sink["replay"].is_null())
    });
    assert_eq!(weir.sqlite::<i64>("select count(*) from events"), [1]);
    let (status, text) = told(&weir, &["replay", "none"]);
    assert!(status == 1 && text.contains("there is no sink"), "{text}");
}
