//! More than it can do, with a store that has stopped answering: each request is answered, and memory stays small.
//!
//! 300,000 events are left pending; any other number by `WEIR_OVERLOAD_EVENTS` (10,000,000 by hand).

use std::time::Duration;

use crate::harness::{Load, Mute, Setup, Weir, from_environment, until};

const EVENTS_PER_REQUEST: usize = 1000;
const RSS_MAX_BYTES: u64 = 150 << 20;
/// One second is what is promised on a quiet machine with a release build; tests share theirs with others.
const ANSWER_MAX: Duration = Duration::from_secs(10);

#[test]
fn with_a_frozen_store_memory_does_not_grow_with_what_is_pending() {
    let mute = Mute::start();
    let only_search = "[sinks.opensearch]\ntype = \"opensearch\"\n";
    let weir = Weir::start(Setup::new().toml(only_search).variable("OPEN_SEARCH_DNS", &mute.url()));
    let events = from_environment("WEIR_OVERLOAD_EVENTS", 300_000);
    let part = |name: &str| {
        let load = Load::new(name)
            .events_per_request(EVENTS_PER_REQUEST)
            .connections(8)
            .time(Duration::from_secs(1800));
        load.requests(events / EVENTS_PER_REQUEST / 2).run(&weir)
    };

    let first = part("first");
    let rss_at_half = weir.process().rss_bytes();
    let second = part("second");
    let rss_at_end = weir.process().rss_bytes();

    let accepted = first.acknowledged.len() + second.acknowledged.len();
    assert_eq!(weir.metrics().account("opensearch").pending, accepted as f64);
    assert!(first.slowest.max(second.slowest) < ANSWER_MAX, "{:?} {:?}", first.slowest, second.slowest);
    assert!(rss_at_end < RSS_MAX_BYTES, "{rss_at_end} bytes in memory");
    assert!(rss_at_end < rss_at_half + rss_at_half / 4, "grew from {rss_at_half} to {rss_at_end} bytes");
}

#[test]
fn a_full_log_refuses_with_a_time_to_come_back_and_recovers_by_itself() {
    // The sink waits, so nothing is released; 8 MiB are full soon.
    let small = "[log]\nmax_bytes = \"8MiB\"\nsegment_bytes = \"1MiB\"\nretention = \"1ms\"\n\
        [sinks.sqlite]\ntype = \"sqlite\"\n[sinks.sqlite.batch]\nmax_age = \"1h\"\n";
    let mut weir = Weir::start(Setup::new().toml(small));
    let load = Load::new("filling").events_per_request(100).padding_bytes(1000).requests(400);
    let mut sent = load.run(&weir);
    // Batches of a thousand are delivered even so; what it could not take was refused, and told so.
    until(Duration::from_secs(30), "room to be made", || weir.get("/readyz").status == 200);
    assert!(weir.is_running());

    std::fs::write(weir.path("weir.toml"), small.replace("1h", "50ms")).unwrap();
    weir.stop();
    weir.restart();
    sent.add(Load::new("after").requests(10).run(&weir));
    weir.drained("sqlite", Duration::from_secs(60));
    sent.assert_stored_once(weir.sqlite("select label from events"));
}

#[test]
fn when_the_log_is_full_a_client_is_told_when_to_come_back() {
    let mute = Mute::start();
    let small =
        "[log]\nmax_bytes = \"4MiB\"\nsegment_bytes = \"1MiB\"\n[sinks.opensearch]\ntype = \"opensearch\"\n";
    let weir = Weir::start(Setup::new().toml(small).variable("OPEN_SEARCH_DNS", &mute.url()));
    let sent = Load::new("filling").events_per_request(100).padding_bytes(1000).requests(200).run(&weir);
    assert!(sent.refused > 0, "it was never full");
    assert!(!sent.acknowledged.is_empty());

    let event = format!(r#"{{"page":"/a","event":"x","label":"{}"}}"#, "x".repeat(200_000));
    let answer = weir.post("/events", &event, &[("content-type", "application/json")]);
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(answer.header("retry-after").is_some(), "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(weir.get("/readyz").status, 503);
    assert_eq!(weir.get("/healthz").status, 200);
    assert_eq!(weir.metrics().account("opensearch").pending, sent.acknowledged.len() as f64);
}
