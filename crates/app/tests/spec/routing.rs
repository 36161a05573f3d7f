//! One stream into several sinks, each with the events and the columns it wants; and the account of each.

use std::fs;
use std::time::Duration;

use serde_json::json;

use crate::harness::{Setup, Weir, until};

const SOON: Duration = Duration::from_secs(60);

/// Clicks with their price, and whatever is on the pages of the shop.
fn two_sinks(clicks: &str) -> String {
    format!(
        r#"
[sinks.clicks]
type = "sqlite"
table = "clicks"
where = {clicks}
columns = {{ price = {{ from = "/param/price", type = "INTEGER" }}, tag = {{ from = "/tags/0", type = "TEXT" }} }}
batch = {{ max_age = "50ms", max_events = 20 }}

[sinks.shop]
type = "sqlite"
table = "shop"
where = {{ page = {{ prefix = "/shop" }}, "/param/price" = {{ ">=" = 10 }} }}
columns = {{ amount = {{ from = "/param/price", type = "REAL" }} }}
batch = {{ max_age = "50ms" }}
"#
    )
}

/// Every third is a click, every second is of the shop; prices rise from 0.
fn send(weir: &Weir, numbers: std::ops::Range<u64>) {
    let event = |number: u64| {
        let name = if number.is_multiple_of(3) { "click" } else { "view" };
        let page = if number.is_multiple_of(2) { "/shop/cart" } else { "/home" };
        json!({ "page": page, "event": name, "log_id": number.to_string(), "param": { "price": number }, "tags": [name] })
    };
    let events: Vec<_> = numbers.map(event).collect();
    let answer = weir.post("/events", &json!(events).to_string(), &[("content-type", "application/json")]);
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// accepted, delivered, dead, filtered, pending of a sink, which must add up.
#[track_caller]
fn account(weir: &Weir, sink: &str) -> [f64; 5] {
    let metrics = weir.metrics();
    let names = [
        "weir_events_routed_total",
        "weir_events_delivered_total",
        "weir_events_dead_total",
        "weir_events_filtered_total",
        "weir_events_pending",
    ];
    let counts = names.map(|name| metrics.sum(name, &[("sink", sink)]).unwrap());
    assert_eq!(counts[0], counts[1..].iter().sum::<f64>(), "{sink}: {counts:?}");
    counts
}

#[test]
fn each_sink_has_the_events_it_asks_for_in_the_columns_it_asks_for() {
    let weir = Weir::start(Setup::new().toml(two_sinks(r#"{ event = ["click", "tap"] }"#)));
    send(&weir, 0..100);
    weir.drained("clicks", SOON);
    weir.drained("shop", SOON);

    let thirds: Vec<i64> = (0..100).filter(|number| number % 3 == 0).collect();
    assert_eq!(weir.sqlite::<i64>("select price from clicks order by price"), thirds);
    assert_eq!(weir.sqlite::<String>("select distinct tag from clicks"), ["click"]);
    let even: Vec<f64> = (10..100).filter(|number| number % 2 == 0).map(f64::from).collect();
    assert_eq!(weir.sqlite::<f64>("select amount from shop order by amount"), even);
    assert_eq!(weir.sqlite::<String>("select param from shop where amount = 10"), [r#"{"price":10}"#]);

    assert_eq!(account(&weir, "clicks"), [100.0, 34.0, 0.0, 66.0, 0.0]);
    assert_eq!(account(&weir, "shop"), [100.0, 45.0, 0.0, 55.0, 0.0]);
}

#[test]
fn the_account_adds_up_at_every_look_over_kills_and_changes_of_the_filter() {
    let mut weir = Weir::start(Setup::new().toml(two_sinks(r#"{ event = "click" }"#)));
    for round in 0..4 {
        for part in 0..10 {
            let first = round * 500 + part * 50;
            send(&weir, first..first + 50);
            account(&weir, "clicks");
            account(&weir, "shop");
        }
        weir.kill9();
        if round == 1 {
            // From now on the others: what was not settled goes by the new word, and is counted once.
            fs::write(weir.path("weir.toml"), two_sinks(r#"{ event = { not = "click" } }"#)).unwrap();
        }
        weir.restart();
    }
    weir.drained("clicks", SOON);
    weir.drained("shop", SOON);
    let [accepted, delivered, dead, ..] = account(&weir, "clicks");
    assert_eq!((accepted, dead), (2000.0, 0.0));
    let rows = weir.sqlite::<i64>("select count(*) from clicks")[0];
    assert!(delivered <= rows as f64, "{delivered} delivered, {rows} rows");
    assert_eq!(weir.sqlite::<i64>("select count(distinct event_id) from clicks"), [rows]);
    let last = "select count(*) from clicks where price >= 1500";
    assert_eq!(weir.sqlite::<i64>(last), [333], "of the last 500, all that are no clicks");
    let [_, shop, ..] = account(&weir, "shop");
    assert_eq!(weir.sqlite::<i64>("select count(*) from shop"), [shop as i64]);
    assert_eq!(shop, 995.0, "its own filter did not change");
}

#[test]
fn what_a_column_cannot_hold_is_a_dead_letter_of_that_sink_alone() {
    let weir = Weir::start(Setup::new().toml(two_sinks(r#"{ event = "click" }"#)));
    for price in ["12", "12.5", "\"12\"", "9223372036854775808", "null", "13.0"] {
        let body = format!(r#"{{"page":"/shop/a","event":"click","param":{{"price":{price}}}}}"#);
        weir.accept(&body);
    }
    until(SOON, "both to have settled", || {
        ["clicks", "shop"].iter().all(|sink| account(&weir, sink)[4] == 0.0)
    });

    assert_eq!(account(&weir, "clicks"), [6.0, 3.0, 3.0, 0.0, 0.0]);
    assert_eq!(
        weir.sqlite::<Option<i64>>("select price from clicks order by price"),
        [None, Some(12), Some(13)]
    );
    // What is no number compares with none.
    assert_eq!(account(&weir, "shop"), [6.0, 4.0, 0.0, 2.0, 0.0]);

    let letters = weir.get_json("/v1/dead-letters");
    let letters = letters["items"].as_array().unwrap();
    assert!(letters.iter().all(|letter| letter["sink"] == "clicks" && letter["reason"] == "column_mismatch"));
    let mut details: Vec<&str> = letters.iter().map(|letter| letter["detail"].as_str().unwrap()).collect();
    details.sort_unstable();
    assert_eq!(
        details,
        [
            "column \"price\" of type INTEGER cannot hold \"12\"",
            "column \"price\" of type INTEGER cannot hold 12.5",
            "column \"price\" of type INTEGER cannot hold 9223372036854775808",
        ]
    );
}

#[test]
fn a_sink_that_is_added_with_from_oldest_has_all_that_the_log_keeps() {
    let mut weir = Weir::start(Setup::new());
    send(&weir, 0..60);
    weir.drained("sqlite", SOON);
    weir.stop();

    let added = "[sinks.sqlite]\ntype = \"sqlite\"\n[sinks.clicks]\ntype = \"sqlite\"\ntable = \"clicks\"\n\
                 from = \"oldest\"\nwhere = { event = \"click\" }\n";
    fs::write(weir.path("weir.toml"), added).unwrap();
    weir.restart();
    send(&weir, 60..90);
    weir.drained("clicks", SOON);
    assert_eq!(weir.sqlite::<i64>("select count(*) from clicks"), [30]);
    assert_eq!(account(&weir, "clicks"), [90.0, 30.0, 0.0, 60.0, 0.0]);

    // It is no longer new, so it goes on where it stands.
    weir.stop();
    weir.restart();
    send(&weir, 90..93);
    weir.drained("clicks", SOON);
    assert_eq!(account(&weir, "clicks"), [93.0, 31.0, 0.0, 62.0, 0.0]);
}

#[test]
fn the_account_adds_up_over_changes_of_the_streams_and_what_is_left_waiting_goes_by_the_new_ones() {
    let taking = |streams: &str| {
        format!(
            "[streams.actions]\nid = \"/id\"\n[sinks.sqlite]\ntype = \"sqlite\"\nstreams = {streams}\n\
             [sinks.sqlite.batch]\nmax_age = \"30ms\"\nmax_events = 20\n"
        )
    };
    let mut weir = Weir::start(Setup::new().toml(taking("\"*\"")));
    for (round, streams) in ["[\"actions\"]", "\"*\"", "[\"events\"]", "\"*\""].into_iter().enumerate() {
        let first = round as u64 * 100;
        for part in 0..5 {
            send(&weir, first + part * 20..first + part * 20 + 20);
            let actions = format!(r#"[{{"id":"{round}-{part}-1"}},{{"id":"{round}-{part}-2"}}]"#);
            let answer =
                weir.post("/v1/streams/actions/events", &actions, &[("content-type", "application/json")]);
            assert_eq!(answer.status, 200, "{}", answer.body);
            account(&weir, "sqlite");
        }
        weir.kill9();
        fs::write(weir.path("weir.toml"), taking(streams)).unwrap();
        weir.restart();
        account(&weir, "sqlite");
    }
    weir.drained("sqlite", SOON);
    let [routed, delivered, dead, filtered, pending] = account(&weir, "sqlite");
    assert_eq!((routed, dead, filtered, pending), (delivered, 0.0, 0.0, 0.0));
    // What is stored and was not settled when the streams changed may be counted by neither.
    assert!(delivered <= weir.sqlite::<i64>("select count(*) from events")[0] as f64);

    send(&weir, 400..410);
    weir.drained("sqlite", SOON);
    assert_eq!(account(&weir, "sqlite")[0], routed + 10.0);
}
