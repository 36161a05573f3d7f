//! A real Postgres that is killed, frozen and started again while events come in: in the end it holds each of them once.

use std::thread::sleep;
use std::time::Duration;

use crate::harness::{Load, Postgres, Sent, Setup, Weir, until};

const SOON: Duration = Duration::from_secs(30);
const DRAINED_WITHIN: Duration = Duration::from_secs(120);

/// Small batches and short pauses, so that much happens in little time; the password comes from the environment.
const HASTY: &str = "[sinks.warehouse]\ntype = \"postgres\"\nurl = \"env:WAREHOUSE_URL\"\nstatement_timeout = \"1s\"\n\
    columns = { price = { from = \"/param/price\", type = \"numeric(6,2)\" } }\n\
    [sinks.warehouse.batch]\nmax_age = \"50ms\"\nmax_events = 100\n\
    [sinks.warehouse.retry]\ninitial = \"20ms\"\nmax = \"500ms\"\n";

fn weir_into(server: &Postgres) -> Weir {
    Weir::start(Setup::new().toml(HASTY).variable("WAREHOUSE_URL", &server.url()))
}

/// accepted = distinct rows = rows.
#[track_caller]
fn assert_holds_each_once(server: &Postgres, weir: &Weir, sent: &Sent) {
    weir.drained("warehouse", DRAINED_WITHIN);
    sent.assert_stored_once(server.ask("SELECT label FROM events"));
    let account = weir.metrics().account("warehouse");
    assert!(account.is_balanced() && account.dead == 0.0, "{account:?}");
    let rows = server.ask("SELECT count(*), count(DISTINCT event_id) FROM events").remove(0);
    assert_eq!(rows, format!("{0}|{0}", account.accepted));
}

#[test]
fn a_row_is_what_was_sent_and_what_does_not_fit_is_a_dead_letter() {
    let Some(server) = Postgres::start("postgres") else { return };
    let weir = weir_into(&server);
    weir.accept(
        r#"{"log_id":"12345","page":"/home","event":"buy","param":{"price":12.5},"session":"s","occurred_at":"1960-01-01T00:00:00Z"}"#,
    );
    weir.accept(r#"{"page":"/home","event":"buy","param":{"price":"much"}}"#);
    weir.accept(r#"{"page":"/home","event":"buy","label":"a\u0000b"}"#);
    // A client's repeat, and one with a number that the column would have to round.
    weir.accept(r#"{"log_id":"12345","page":"/other","event":"buy"}"#);
    weir.accept(r#"{"page":"/home","event":"buy","param":{"price":0.001}}"#);
    weir.drained("warehouse", DRAINED_WITHIN);

    let row = "SELECT log_id, page, price, extra, occurred_at AT TIME ZONE 'UTC' FROM events";
    assert_eq!(server.ask(row), [r#"12345|/home|12.50|{"session": "s"}|1960-01-01 00:00:00"#]);
    let letters = weir.get_json("/v1/dead-letters?sink=warehouse");
    let mut reasons: Vec<&str> = letters["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|letter| letter["reason"].as_str().unwrap())
        .collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["22021", "column_mismatch", "column_mismatch"]);
    let shown = String::from_utf8(weir.run(&["config", "show"]).stdout).unwrap();
    assert!(shown.contains("postgres") && !shown.contains("weir-password"), "{shown}");
}

#[test]
fn killed_and_frozen_and_started_again_it_holds_each_event_once() {
    let Some(mut server) = Postgres::start("postgres") else { return };
    let mut weir = weir_into(&server);
    let load = Load::new("rough").connections(2).events_per_request(10).pause(Duration::from_millis(20));
    let running = load.start(&weir);
    sleep(Duration::from_secs(1));

    server.kill9();
    sleep(Duration::from_secs(1));
    server.restart();
    sleep(Duration::from_secs(1));

    weir.kill9();
    weir.restart();
    sleep(Duration::from_secs(1));

    // Longer than a delivery may take, so that batches are sent again that the server has and will carry out.
    server.freeze();
    sleep(Duration::from_secs(8));
    server.thaw();
    sleep(Duration::from_secs(1));

    server.freeze();
    sleep(Duration::from_secs(1));
    weir.kill9();
    server.thaw();
    weir.restart();
    sleep(Duration::from_secs(1));

    let sent = running.stop();
    assert_holds_each_once(&server, &weir, &sent);
}

#[test]
fn without_the_right_to_write_it_says_so_and_goes_on_by_itself_once_it_is_given() {
    let Some(server) = Postgres::start("postgres") else { return };
    let weir = weir_into(&server);
    weir.accept(r#"{"page":"/1","event":"e"}"#);
    weir.drained("warehouse", DRAINED_WITHIN);
    server.ask("ALTER TABLE events OWNER TO postgres; GRANT SELECT ON events TO weir");
    weir.accept(r#"{"page":"/2","event":"e"}"#);
    until(SOON, "it to say what is missing", || weir.said().contains("give the user of `url` the right"));
    assert!(!weir.said().contains("weir-password"));
    server.ask("GRANT INSERT, UPDATE ON events TO weir");
    weir.drained("warehouse", DRAINED_WITHIN);
    assert_eq!(server.ask("SELECT page FROM events ORDER BY 1"), ["/1", "/2"]);
}
