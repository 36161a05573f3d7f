//! What a restart finds again.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use crate::harness::{Load, Metrics, Setup, Weir, until};

const SOON: Duration = Duration::from_secs(30);

fn sqlite_after(age: &str) -> String {
    format!("[sinks.sqlite]\ntype = \"sqlite\"\n[sinks.sqlite.batch]\nmax_age = \"{age}\"\n")
}

#[test]
fn what_is_pending_when_it_is_killed_is_delivered_after_the_next_start() {
    let mut weir = Weir::start(Setup::new().toml(sqlite_after("1h")));
    let sent = Load::new("pending").requests(50).run(&weir);
    assert_eq!(weir.metrics().account("sqlite").pending, 50.0);

    weir.kill9();
    fs::write(weir.path("weir.toml"), sqlite_after("100ms")).unwrap();
    weir.restart();

    weir.drained("sqlite", SOON);
    sent.assert_stored_once(weir.sqlite("select label from events"));
}

#[test]
fn frozen_for_a_while_it_goes_on_and_nothing_is_lost() {
    let weir = Weir::start(Setup::new());
    let running = Load::new("frozen").start(&weir);
    until(SOON, "the load to run", || running.acknowledged() > 100);
    weir.freeze();
    sleep(Duration::from_secs(2));
    weir.thaw();
    let before = running.acknowledged();
    until(SOON, "the load to go on", || running.acknowledged() > before + 100);
    let sent = running.stop();
    assert_eq!(sent.unanswered, 0, "every request was answered, at the latest when it was thawed");
    weir.drained("sqlite", SOON);
    sent.assert_stored_once(weir.sqlite("select label from events"));
}

#[test]
fn counts_go_on_where_they_stood() {
    let mut weir = Weir::start(Setup::new());
    weir.accept(r#"{"page":"/a","event":"x","log_id":"1"}"#);
    weir.accept(r#"{"page":"/a","event":"x","log_id":"1"}"#);
    weir.drained("sqlite", SOON);
    let before = weir.metrics().account("sqlite");

    weir.kill9();
    weir.restart();
    assert_eq!(weir.metrics().account("sqlite"), before);
    assert_eq!(weir.metrics().sum("weir_events_duplicate_total", &[("sink", "sqlite")]), Some(1.0));
    weir.accept(r#"{"page":"/a","event":"x","log_id":"2"}"#);
    weir.drained("sqlite", SOON);
    assert_eq!(weir.metrics().account("sqlite").delivered, before.delivered + 1.0);
}

#[test]
fn a_sink_that_is_added_begins_with_what_comes_then() {
    let mut weir = Weir::start(Setup::new());
    weir.accept(r#"{"page":"/before","event":"x"}"#);
    weir.drained("sqlite", SOON);
    weir.stop();

    let both = "[sinks.sqlite]\ntype = \"sqlite\"\n[sinks.second]\ntype = \"sqlite\"\npath = \"second.db\"\n";
    fs::write(weir.path("weir.toml"), both).unwrap();
    weir.restart();
    weir.accept(r#"{"page":"/after","event":"x"}"#);
    weir.drained("sqlite", SOON);

    let second = |metrics: &Metrics, name: &str| metrics.sum(name, &[("sink", "second")]);
    until(SOON, "the second sink to have it", || {
        second(&weir.metrics(), "weir_events_delivered_total") == Some(1.0)
    });
    assert_eq!(second(&weir.metrics(), "weir_events_pending"), Some(0.0));
    assert_eq!(weir.sqlite_at::<String>("second.db", "select page from events"), ["/after"]);
}
