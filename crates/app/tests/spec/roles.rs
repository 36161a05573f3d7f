//! One file, several processes: each opens what its role needs, and nothing else.

use std::time::Duration;

use crate::harness::{Load, Setup, Weir, until};

const SOON: Duration = Duration::from_secs(30);

/// A store, and what stands for a broker.
const FILE: &str = r#"
[sinks.table]
type = "sqlite"
[sinks.bus]
type = "blackhole"
roles = ["api"]
"#;

fn in_role(role: &str) -> Setup {
    Setup::new().toml(FILE).variable("WEIR_ROLE", role)
}

#[test]
fn an_api_opens_no_store_and_a_loader_no_log() {
    let (api, loader) = (Weir::start(in_role("api")), Weir::start(in_role("loader")));
    api.accept(r#"{"page":"/a","event":"x"}"#);
    api.drained("bus", SOON);
    assert_eq!(api.metrics().account("bus").delivered, 1.0);
    assert!(api.path("data/log").is_dir() && !api.path("data/events.db").exists());

    let answer = loader.post("/events", r#"{"page":"/a","event":"x"}"#, &[]);
    assert_eq!((answer.status, answer.json()["type"].as_str()), (503, Some("urn:weir:problem:other-role")));
    assert!(!loader.path("data/log").exists(), "no log is made where none is needed");
    for weir in [&api, &loader] {
        for path in ["/ping", "/healthz", "/readyz", "/metrics", "/v1/status", "/v1/dead-letters"] {
            assert_eq!(weir.get(path).status, 200, "{path}");
        }
    }
    let (one, other) = (api.get_json("/v1/status"), loader.get_json("/v1/status"));
    assert_eq!((&one["roles"][0], &other["roles"][0]), (&"api".into(), &"loader".into()));
    assert_ne!(one["instance_id"], other["instance_id"], "each has made a name for itself");
    assert!(api.said().contains("role          api"), "{}", api.said());
}

#[test]
fn an_api_without_a_sink_of_its_own_does_not_start() {
    let weir = Weir::prepare(Setup::new().toml("[sinks.table]\ntype = \"sqlite\"\n"));
    let output = weir.run(&["run", "--role", "api"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("go nowhere") && said.contains("roles = [\"api\"]"), "{said}");
    assert!(!weir.path("data").exists());
}

#[test]
fn what_a_store_has_not_got_is_kept_when_the_directory_takes_another_role_and_back_again_it_gets_it() {
    let mut weir = Weir::start(Setup::new().toml(FILE));
    assert_eq!(weir.post("/v1/sinks/table/pause", "", &[]).status, 200);
    let sent = Load::new("before").requests(20).run(&weir);
    assert!(weir.stop().success());
    let directory = weir.path("");

    let mut api = Weir::start(in_role("api").directory(&directory));
    let sink = |weir: &Weir, name: &str| {
        let sinks = weir.get_json("/v1/status")["sinks"].as_array().unwrap().clone();
        sinks.into_iter().find(|sink| sink["name"] == name).unwrap()
    };
    api.accept(r#"{"page":"/a","event":"x","label":"between"}"#);
    let table = sink(&api, "table");
    assert_eq!((&table["state"], &table["pending"]), (&"elsewhere".into(), &20.into()));
    assert_eq!(api.post("/v1/sinks/table/resume", "", &[]).status, 409);
    assert!(api.stop().success());
    assert!(api.said().contains("events were accepted here for this sink"));

    let mut loader = Weir::start(in_role("loader").directory(&directory));
    assert!(loader.stop().success());
    until(SOON, "a warning", || loader.said().contains("holds a log that this role does not read"));

    let weir = Weir::start(Setup::new().toml(FILE).directory(&directory));
    assert_eq!(weir.post("/v1/sinks/table/resume", "", &[]).status, 200);
    weir.drained("table", SOON);
    let mut labels: Vec<String> = weir.sqlite("select label from events");
    labels.retain(|label| label != "between");
    sent.assert_stored_once(labels);
}
