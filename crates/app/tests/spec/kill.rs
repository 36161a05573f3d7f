//! Killed at random moments under load, again and again: nothing that was acknowledged is lost, nothing is there twice,
//! in SQLite and in OpenSearch.
//!
//! 25 rounds; any other number by `WEIR_KILL_ROUNDS`.

use std::hash::{BuildHasher, RandomState};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::harness::{Load, OpenSearch, Sent, Setup, Weir, from_environment, until};

/// Between the start of a load and the kill, at most.
const ALIVE_MAX_MS: u64 = 500;

const SOON: Duration = Duration::from_secs(30);
const DRAINED_WITHIN: Duration = Duration::from_secs(600);

const SMALL_SEGMENTS: &str = "[log]\nsegment_bytes = \"1MiB\"\nretention = \"1s\"\n\
    [sinks.sqlite]\ntype = \"sqlite\"\n[sinks.sqlite.batch]\nmax_age = \"50ms\"\n";

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_stored_twice_over_kills() {
    let search = OpenSearch::start("kill");
    let search_sink = search.as_ref().map(|search| {
        let url = search.url();
        format!("[sinks.opensearch]\nurl = \"{url}\"\n[sinks.opensearch.batch]\nmax_age = \"50ms\"\n")
    });
    let mut weir =
        Weir::start(Setup::new().toml(format!("{SMALL_SEGMENTS}{}", search_sink.unwrap_or_default())));
    let mut all = Sent::default();
    for round in 0..from_environment("WEIR_KILL_ROUNDS", 25) {
        // Clients that name their events and repeat them; clients that do neither; and many events at once.
        let loads = [
            Load::new(format!("named-{round}")).named(),
            Load::new(format!("unnamed-{round}")).connections(2),
            Load::new(format!("many-{round}")).connections(2).events_per_request(100).padding_bytes(200),
        ];
        let running = loads.each_ref().map(|load| load.start(&weir));
        until(SOON, "every load to run", || running.each_ref().iter().all(|load| load.acknowledged() > 0));
        sleep(Duration::from_millis(random_below(ALIVE_MAX_MS)));
        weir.kill9();
        weir.restart();
        for load in running {
            all.add(load.stop());
        }
    }
    weir.drained("sqlite", DRAINED_WITHIN);
    all.assert_stored_once(weir.sqlite("select label from events"));
    assert_account_fits(&weir, "sqlite", weir.sqlite::<i64>("select count(*) from events")[0]);
    if let Some(search) = search {
        weir.drained("opensearch", DRAINED_WITHIN);
        let label =
            |document: &Value| document["_source"]["event_info"]["label"].as_str().unwrap().to_owned();
        let stored: Vec<String> = search.documents("events_*").iter().map(label).collect();
        let count = i64::try_from(stored.len()).unwrap();
        all.assert_stored_once(stored);
        assert_account_fits(&weir, "opensearch", count);
    }
}

#[track_caller]
fn assert_account_fits(weir: &Weir, sink: &str, stored: i64) {
    let account = weir.metrics().account(sink);
    let duplicates = weir.metrics().sum("weir_events_duplicate_total", &[("sink", sink)]).unwrap();
    assert!(account.is_balanced() && account.dead == 0.0, "{account:?}");
    // A batch that was stored, but not yet settled when Weir was killed, is sent again and found to be there.
    assert!(
        account.delivered - duplicates <= stored as f64 && stored as f64 <= account.delivered,
        "{account:?} {stored}"
    );
    assert_eq!(account.delivered, account.accepted);
}

fn random_below(limit: u64) -> u64 {
    RandomState::new().hash_one(0) % limit
}
