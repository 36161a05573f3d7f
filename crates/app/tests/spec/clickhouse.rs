//! A real ClickHouse engine that is killed, frozen, started again and cut off while events come in: in the end it holds
//! each of them once, with and without `FINAL`.

use std::thread::sleep;
use std::time::Duration;

use crate::harness::{ClickHouse, Fault, FaultProxy, Load, Sent, Setup, Weir, until};

const SOON: Duration = Duration::from_secs(60);
const DRAINED_WITHIN: Duration = Duration::from_secs(120);

/// Small batches and short pauses, so that much happens in little time.
fn weir_into(url: &str) -> Weir {
    let toml = format!(
        r#"
[sinks.clicks]
type = "clickhouse"
url = "{url}"
table = "clicks"
user = "weir"
password = "env:CLICKHOUSE_PASSWORD"
request_timeout = "2s"
columns = {{ price = {{ from = "/param/price", type = "Decimal(6, 2)" }} }}
batch = {{ max_age = "50ms", max_events = 100 }}
retry = {{ initial = "20ms", max = "500ms" }}
"#
    );
    Weir::start(Setup::new().toml(toml).variable("CLICKHOUSE_PASSWORD", "weir-password"))
}

fn load(name: &str) -> Load {
    Load::new(name).connections(2).events_per_request(10).pause(Duration::from_millis(20))
}

/// accepted = distinct rows = rows.
#[track_caller]
fn assert_holds_each_once(server: &ClickHouse, weir: &Weir, sent: &Sent) {
    weir.drained("clicks", DRAINED_WITHIN);
    let account = weir.metrics().account("clicks");
    assert!(account.is_balanced() && account.dead == 0.0, "{account:?}");
    for table in ["clicks FINAL", "clicks"] {
        sent.assert_stored_once(server.ask(&format!("SELECT label FROM {table}")));
        let counts = server.ask(&format!("SELECT count(), uniqExact(event_id) FROM {table}"));
        assert_eq!(counts, [format!("{0}\t{0}", account.accepted)], "{table}");
    }
}

#[test]
fn a_row_is_what_was_sent_and_what_does_not_fit_is_a_dead_letter() {
    let Some(server) = ClickHouse::start("clickhouse") else { return };
    let weir = weir_into(&server.url());
    weir.accept(
        r#"{"log_id":"12345","page":"/home","event":"buy","param":{"price":12.5},"session":"s","occurred_at":"1960-01-01T00:00:00Z"}"#,
    );
    weir.accept(r#"{"page":"/home","event":"buy","param":{"price":"much"}}"#);
    weir.accept(r#"{"page":"/home","event":"buy","occurred_at":"0001-01-01T00:00:00Z"}"#);
    weir.drained("clicks", DRAINED_WITHIN);

    let row = "SELECT log_id, page, price, param, extra, occurred_at FROM clicks";
    let expected = "12345\t/home\t12.5\t{\"price\":12.5}\t{\"session\":\"s\"}\t1960-01-01 00:00:00.000000";
    assert_eq!(server.ask(row), [expected]);
    let letters = weir.get_json("/v1/dead-letters?sink=clicks");
    let letters = letters["items"].as_array().unwrap();
    assert_eq!(letters.len(), 2);
    assert!(letters.iter().all(|letter| letter["reason"] == "column_mismatch"), "{letters:?}");
    let shown = String::from_utf8(weir.run(&["config", "show"]).stdout).unwrap();
    assert!(shown.contains("clickhouse") && !shown.contains("weir-password"), "{shown}");
}

#[test]
fn killed_and_frozen_and_started_again_it_holds_each_event_once() {
    let Some(mut server) = ClickHouse::start("clickhouse") else { return };
    let mut weir = weir_into(&server.url());
    let running = load("rough").start(&weir);
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
    sleep(Duration::from_secs(5));
    server.thaw();
    sleep(Duration::from_secs(1));

    server.freeze();
    sleep(Duration::from_secs(1));
    weir.kill9();
    server.kill9();
    server.restart();
    weir.restart();
    sleep(Duration::from_secs(1));

    let sent = running.stop();
    assert_holds_each_once(&server, &weir, &sent);
}

#[test]
fn behind_a_network_that_breaks_it_holds_each_event_once() {
    let Some(server) = ClickHouse::start("clickhouse") else { return };
    let proxy = FaultProxy::before(server.port());
    let weir = weir_into(&proxy.url());
    let running = load("broken").start(&weir);
    let slow = |fault: &Fault| matches!(fault, Fault::Throttle { .. });
    proxy.go_through(Fault::of_a_bad_day().into_iter().filter(|fault| !slow(fault)));
    let sent = running.stop();
    assert!(proxy.broken() > 6, "the faults were met: {}", proxy.broken());
    assert_holds_each_once(&server, &weir, &sent);
}

#[test]
fn a_table_that_lacks_something_is_told_with_what_mends_it_and_then_filled() {
    let Some(server) = ClickHouse::start("clickhouse") else { return };
    let weir = weir_into(&server.url());
    weir.accept(r#"{"page":"/1","event":"e"}"#);
    weir.drained("clicks", DRAINED_WITHIN);
    server.ask("ALTER TABLE clicks DROP COLUMN page");
    weir.accept(r#"{"page":"/2","event":"e"}"#);
    let remedy = "ALTER TABLE `default`.`clicks` ADD COLUMN `page` Nullable(String) CODEC(ZSTD(1));";
    until(SOON, "it to say what is missing", || weir.said().contains(remedy));
    assert!(!weir.said().contains("weir-password"));
    server.ask(remedy);
    weir.drained("clicks", DRAINED_WITHIN);
    assert_eq!(server.ask("SELECT page FROM clicks WHERE page IS NOT NULL"), ["/2"]);
}
