//! A `.env` that was written for one of the collectors before Weir starts a working server, unchanged.

use std::time::Duration;

use crate::harness::{Setup, Weir};

const SOON: Duration = Duration::from_secs(30);

/// As its readme prints it.
const FIRST: &str = include_str!("../fixtures/originals/first.env");
/// As its readme prints it, the empty secret included.
const LATER: &str = include_str!("../fixtures/originals/later.env");

/// Both want the same port, so this is one test.
#[test]
fn their_environments_start_a_working_server_on_their_port() {
    first();
    later();
}

fn first() {
    let quiet = Setup::new().dotenv(FIRST).port(3000);
    // Tests listen on 127.0.0.1 only. The environment goes before `.env`, and the rest of it stands.
    let weir = Weir::start(quiet.variable("WEIR_SERVER__HOST", "127.0.0.1"));
    let event = br#"{"log_id":"12345","page":"/home","event":"click","label":"button_click","param":{"key1":"value1"}}"#;
    let answer = weir.stranger().bearing("your_api_key").post("/events", event, &[]).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(weir.stranger().post("/events", event, &[]).unwrap().status, 401);
    assert!(!weir.path("data/api-key").exists(), "no key is made where one is given");

    let shown = weir.run(&["config", "show"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("http://localhost:9200"), "{shown}");
    assert!(!shown.contains("your_api_key"), "{shown}");
}

fn later() {
    let weir = Weir::start(Setup::new().dotenv(LATER).port(3000));
    let answer =
        weir.accept(r##"{"page":"/home","event":"click","target":"#button_id","section":"header"}"##);
    assert_eq!(answer.json()["accepted"], 1);
    assert!(weir.path("sqlite3.db").exists(), "the catalog is where DATABASE_URL says");

    weir.drained("sqlite", SOON);
    assert_eq!(weir.sqlite::<String>("select page from events"), ["/home"]);
    let account = weir.metrics().account("opensearch");
    assert_eq!(account.pending, 1.0, "OpenSearch is away; the event waits for it");
    // By now: logs are written out within a tenth of a second.
    assert!(weir.said().contains("JWT_SECRET") && weir.said().contains("admits nobody"), "a warning says so");
}
