//! What every sink has and what only its type has stand in one section.

use std::time::Duration;

use insta::assert_snapshot;

use super::with_file;
use crate::config::sink_types;

/// One of each type.
const EACH: &str = r#"
[sinks.blackhole]
[sinks.clickhouse]
url = "http://localhost:8123"
columns = { price = { from = "/param/price", type = "Decimal(10, 2)" } }
[sinks.objects]
url = "s3://events"
[sinks.opensearch]
url = "https://localhost:9200"
where = { event = "click" }
tls = { server_name = "search" }
[sinks.postgres]
url = "postgres://localhost/events"
[sinks.rabbitmq]
url = "amqps://localhost"
routing_key = "events"
[sinks.redis]
url = "redis://localhost"
[sinks.sqlite]
retention = "90d"
"#;

/// Only programs that were built with it take it.
const HAS_KAFKA: bool = cfg!(feature = "kafka");
const KAFKA: &str = "[sinks.kafka]\nbrokers = \"localhost:9092\"\ncreate_topics = { partitions = 3 }\n";

fn each() -> String {
    format!("{EACH}{}", if HAS_KAFKA { KAFKA } else { "" })
}

#[test]
fn the_list_of_types_is_what_can_be_chosen_and_a_section_called_like_one_is_of_it() {
    let names: Vec<&str> = sink_types().iter().map(|facts| facts.name).collect();
    let told = with_file("[sinks.a]\n").problems();
    assert!(told.ends_with(&format!("one of {}.", names.join(", "))), "{told}");
    let shown = with_file(&each()).load().show_json();
    for name in names.into_iter().filter(|name| *name != "kafka" || HAS_KAFKA) {
        assert_eq!(shown["sinks"][name]["type"], name, "{shown:#}");
    }
}

#[test]
fn a_sink_of_each_type_is_shown_as_it_can_be_read_again() {
    let shown = with_file(&each()).load().show();
    let addresses = ["postgres://localhost/events", "amqps://localhost", "redis://localhost"];
    let text = addresses.iter().fold(shown.clone(), |text, address| text.replacen("(hidden)", address, 1));
    let again = with_file(&text).load().show();
    let without_origins = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split('#').next().unwrap().trim_end().to_owned()).collect()
    };
    assert_eq!(without_origins(&again), without_origins(&shown));
}

#[test]
fn a_types_own_settings_are_shown_among_those_that_every_sink_has() {
    let shown = with_file(&each()).load().show();
    let section =
        shown.split("[sinks.opensearch]\n").nth(1).unwrap().split("[sinks.postgres]").next().unwrap();
    let names: Vec<&str> = section.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_snapshot!(names.join("\n"), @r#"
    type
    streams
    from
    roles
    url
    index
    install_template
    compress
    request_timeout

    [sinks.opensearch.where]
    event

    [sinks.opensearch.tls]
    server_name

    [sinks.opensearch.batch]
    max_events
    max_bytes
    max_age
    in_flight
    buffer_max_events
    buffer_max_bytes

    [sinks.opensearch.retry]
    initial
    max
    "#);
}

#[test]
fn what_is_not_said_of_a_batch_is_as_the_type_has_it() {
    let settings =
        with_file(&format!("{EACH}batch = {{ max_events = 7 }}\n[sinks.clickhouse.batch]\nmax_events = 7\n"));
    let settings = settings.load().settings;
    let batch = |name: &str| settings.sinks[name].common().batch.clone();
    let clickhouse = batch("clickhouse");
    assert_eq!(
        (clickhouse.max_events, clickhouse.max_bytes, clickhouse.buffer_max_bytes),
        (7, 32 << 20, 160 << 20)
    );
    assert_eq!(clickhouse.max_age, Duration::from_secs(5));
    assert_eq!((batch("sqlite").max_events, batch("sqlite").max_bytes), (7, 4 << 20));
    assert_eq!((batch("postgres").max_events, batch("postgres").max_age), (5_000, Duration::from_secs(1)));
}

#[test]
fn faults_of_both_kinds_are_told_at_once_also_where_something_is_missing() {
    let text = r#"
[sinks.a]
type = "opensearch"
ulr = "http://h"
from = "later"
batch = { max_events = "many" }
compress = 1
".." = { url = "http://h" }
"#;
    assert_snapshot!(with_file(text).problems(), @r#"
    weir.toml:2: `sinks.a.url` is missing
        Add url = … to this section.
    weir.toml:4: `sinks.a.ulr` is not a setting
        Did you mean `url`? There are: `streams`, `where`, `from`, `roles`, `url`, `index`, `columns`, `username`, `password`, `api_key`, `install_template`, `compress`, `request_timeout`, `tls`, `batch`, `retry`.
    weir.toml:5: `sinks.a.from` cannot be "later"
        There are: `now`, `oldest`.
    weir.toml:6: `sinks.a.batch.max_events` is a text, not a number
        Write a number.
    weir.toml:7: `sinks.a.compress` is a number, not true or false
        Write true or false.
    weir.toml:8: `sinks.a.".."` is not a setting
        There are: `streams`, `where`, `from`, `roles`, `url`, `index`, `columns`, `username`, `password`, `api_key`, `install_template`, `compress`, `request_timeout`, `tls`, `batch`, `retry`.
    "#);
}
