//! `weir files`: what a person does with files beside the running server, over connections that break.

use std::fs;
use std::process::Output;

use serde_json::Value;

use crate::harness::{Fault, FaultProxy, Setup, Weir, paths};

/// What it said on both streams, and its exit status.
#[track_caller]
fn told(weir: &Weir, arguments: &[&str]) -> (i32, String) {
    let Output { status, stdout, stderr } = weir.run(&[&["files"], arguments].concat());
    let text = [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    (status.code().unwrap(), text)
}

#[track_caller]
fn well(weir: &Weir, arguments: &[&str]) -> String {
    let (status, text) = told(weir, arguments);
    assert_eq!(status, 0, "{arguments:?}: {text}");
    text
}

#[track_caller]
fn json_of(weir: &Weir, arguments: &[&str]) -> Value {
    let text = well(weir, &[arguments, &["--json"]].concat());
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn port(weir: &Weir) -> u16 {
    weir.base().rsplit(':').next().unwrap().parse().unwrap()
}

/// Twenty megabytes, each line telling its number.
fn large() -> String {
    (0..).map(|n: u64| format!("line {n:0>12}\n")).take(1 << 20).collect()
}

#[test]
fn files_go_in_and_come_back_are_listed_and_end() {
    let weir = Weir::start(Setup::new());
    fs::write(weir.path("a.csv"), "a,b\n1,2\n").unwrap();
    fs::write(weir.path("b.csv"), "").unwrap();
    let stored = json_of(&weir, &["put", "a.csv", "b.csv", "--group", "g", "--trace", "t", "--user", "u"]);
    let item = |index: usize, member: &str| stored["items"][index][member].clone();
    assert_eq!(["name", "group", "trace", "user"].map(|member| item(0, member)), ["a.csv", "g", "t", "u"]);
    assert_eq!((item(0, "bytes"), item(1, "bytes")), (8.into(), 0.into()));
    well(&weir, &["put", "a.csv", "--key", "file:a"]);

    let key = item(0, "key").as_str().unwrap().to_owned();
    let list = well(&weir, &["list"]);
    for text in ["KEY", "STORED AT", "file:a", &key] {
        assert!(list.contains(text), "{text} is not in {list}");
    }
    assert_eq!(json_of(&weir, &["list", "--group", "g"])["items"].as_array().unwrap().len(), 2);
    assert!(well(&weir, &["show", "file:a"]).contains("sha256"));

    fs::remove_file(weir.path("a.csv")).unwrap();
    well(&weir, &["get", "file:a"]);
    assert_eq!(fs::read_to_string(weir.path("a.csv")).unwrap(), "a,b\n1,2\n");
    let (status, text) = told(&weir, &["get", "file:a"]);
    assert!(status == 1 && text.contains("is there already"), "{text}");
    well(&weir, &["get", &key, "--out", "other.csv"]);
    assert_eq!(fs::read_to_string(weir.path("other.csv")).unwrap(), "a,b\n1,2\n");

    well(&weir, &["delete", "file:a"]);
    let (status, text) = told(&weir, &["get", "file:a", "--out", "gone.csv"]);
    assert!(status == 1 && text.contains("was deleted"), "{text}");
    let acts = json_of(&weir, &["retention", "acts"]);
    assert_eq!((&acts["items"][0]["key"], acts["items"].as_array().unwrap().len()), (&"file:a".into(), 1));
}

#[test]
fn what_rules_would_end_is_told_before() {
    let toml = "[files.retention]\nmax_count = 1\nmin_age = \"0s\"\ninterval = \"1h\"\n";
    let weir = Weir::start(Setup::new().toml(toml));
    for name in ["a", "b"] {
        fs::write(weir.path(name), name).unwrap();
        well(&weir, &["put", name, "--key", name]);
    }
    let preview = well(&weir, &["retention", "preview"]);
    assert!(preview.contains("files.retention.max_count"), "{preview}");
    assert_eq!(json_of(&weir, &["retention", "preview"])["items"][0]["key"], "a");
    well(&weir, &["show", "a"]);
}

#[test]
fn a_large_file_goes_in_and_comes_back_over_a_connection_that_breaks() {
    let weir = Weir::start(Setup::new());
    let proxy = FaultProxy::before(port(&weir));
    let content = large();
    fs::write(weir.path("large.txt"), &content).unwrap();
    let refused = Fault::Answer { status: 503, retry_after_seconds: Some(1) };
    proxy.alternate(vec![
        Fault::None,
        Fault::CutRequest,
        Fault::None,
        Fault::DropAnswer,
        Fault::None,
        refused,
    ]);
    let url = proxy.url();
    well(&weir, &["put", "large.txt", "--key", "file:large", "--url", &url]);
    assert!(proxy.broken() > 0);
    assert_eq!(weir.get("/v1/files/file:large").body, content);
    assert_eq!(weir.get_json("/v1/files")["items"].as_array().unwrap().len(), 1);

    let broken = proxy.broken();
    proxy.alternate(vec![Fault::None, Fault::CutAnswer, Fault::CutAnswer, Fault::None]);
    well(&weir, &["get", "file:large", "--out", "back.txt", "--url", &url]);
    assert!(proxy.broken() > broken);
    assert_eq!(fs::read_to_string(weir.path("back.txt")).unwrap(), content);
    let halves =
        paths(&weir.path(".")).into_iter().filter(|path| path.extension().is_some_and(|end| end == "part"));
    assert_eq!(halves.count(), 0);
}

#[test]
fn a_fetch_goes_on_where_another_stopped_and_what_is_wrong_is_not_taken() {
    let weir = Weir::start(Setup::new());
    let stored = weir.post("/v1/files?key=f", "0123456789", &[]).json();
    let part = format!("f.{}.part", &stored["sha256"].as_str().unwrap()[..16]);
    fs::write(weir.path(&part), "01234").unwrap();
    well(&weir, &["get", "f"]);
    assert_eq!(fs::read_to_string(weir.path("f")).unwrap(), "0123456789");

    fs::write(weir.path(&part), "wrong").unwrap();
    let (status, text) = told(&weir, &["get", "f", "--out", "f2"]);
    assert_eq!(status, 0, "its part has another name: {text}");
    fs::remove_file(weir.path("f")).unwrap();
    let (status, text) = told(&weir, &["get", "f"]);
    assert!(status == 1 && text.contains("another SHA-256"), "{text}");
    assert!(!weir.path("f").exists() && !weir.path(&part).exists());
    well(&weir, &["get", "f"]);
}
