//! From an API over real Kafka to a loader and the stores behind it, from one file: as the collector before Kafka had it,
//! and with every one of them killed on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Kafka, Load, Minio, Order, Postgres, Setup, Weir, free_port, lines, until};
use crate::store::{SHIPPED, by_id, event, mapped};

const SUITE: &str = "the whole way over Kafka";
const SOON: Duration = Duration::from_secs(60);
const DRAINED_WITHIN: Duration = Duration::from_secs(240);
const ORIGINAL: &str = include_str!("../fixtures/originals/config/dev.toml");

/// The original's own file, but for where its servers are.
fn original(brokers: &str, minio_port: u16) -> String {
    let theirs = "kafka-broker-1:9092,kafka-broker-2:9094,kafka-broker-3:9095";
    ORIGINAL.replace(theirs, brokers).replace("minio:9000", &format!("127.0.0.1:{minio_port}"))
}

#[test]
fn what_the_original_takes_in_its_consumer_stores_each_event_equal_to_what_was_sent() {
    let (Some(kafka), Some(minio)) = (Kafka::start(SUITE), Minio::start(SUITE)) else { return };
    minio.make_bucket("consumed-events");
    let in_role = |role: &str| {
        let setup = Setup::new().file("config/dev.toml", &original(&kafka.brokers(), minio.port()));
        let setup = setup.variable("WEIR_ROLE", role).variable("WEIR_SCHEMAS__DIR", SHIPPED);
        let setup = setup.variable("MINIO_ACCESS_KEY", "weir").variable("MINIO_SECRET_KEY", "weir-password");
        setup
            .variable("WEIR_STORE__PORT", &free_port().to_string())
            .variable("WEIR_SINKS__BUS__CREATE_TOPICS__PARTITIONS", "3")
    };
    let (api, loader) = (Weir::start(in_role("api")), Weir::start(in_role("loader")));
    for number in 0..15 {
        let sent = event(number).to_string();
        let answer = api.post("/store", &sent, &[("content-type", "application/json")]);
        assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    }
    api.drained("bus", SOON);
    let stored = || lines(&minio.objects("consumed-events"));
    until(SOON, "all of them to be stored", || stored().len() >= 15);

    let expected: Vec<Value> = (0..15).map(mapped).collect();
    assert_eq!(by_id(stored()), expected);
    let objects = minio.objects("consumed-events");
    let hours: BTreeSet<&str> = objects.keys().map(|name| name.rsplit_once('/').unwrap().0).collect();
    assert!(hours.contains("2023/12/2/15") && hours.contains("2023/12/3/5"), "{hours:?}");
    // An object is there before its batch is settled.
    until(SOON, "the account of them", || loader.metrics().account("objects").delivered == 15.0);
    assert_eq!(loader.metrics().account("objects").dead, 0.0);
}

/// Batches that end soon and short pauses, so that much happens in little time; who dies is missed soon. What all this
/// takes up of the disk is packed, or soon let go.
fn in_role(role: &str, kafka: &Kafka, postgres: &Postgres) -> Setup {
    let (brokers, url) = (kafka.brokers(), postgres.url());
    let toml = format!(
        "[log]\nretention = \"30s\"\n[sinks.bus]\ntype = \"kafka\"\nbrokers = \"{brokers}\"\nkey = \"{{/param/connection}}\"\nrequest_timeout = \"8s\"\n\
         create_topics = {{ partitions = 3, replication = 3 }}\nkafka = {{ \"compression.type\" = \"zstd\" }}\n\
         [sinks.bus.batch]\nmax_age = \"50ms\"\nmax_events = 5000\n\
         [sinks.bus.retry]\ninitial = \"20ms\"\nmax = \"500ms\"\n\
         [inputs.bus]\ntype = \"kafka\"\nbrokers = \"{brokers}\"\ntopics = [\"events\"]\ngroup = \"loaders\"\n\
         kafka = {{ \"session.timeout.ms\" = 6000, \"topic.metadata.refresh.interval.ms\" = 1000 }}\n\
         [sinks.table]\ntype = \"postgres\"\nurl = \"{url}\"\n[sinks.table.batch]\nmax_age = \"50ms\"\n\
         [sinks.table.retry]\ninitial = \"20ms\"\nmax = \"500ms\"\n"
    );
    Setup::new().toml(toml).variable("WEIR_ROLE", role)
}

/// How much, for how long. More than these by hand: `WEIR_WAY="600 5000 4096"`.
fn amount() -> [usize; 3] {
    let by_hand = std::env::var("WEIR_WAY").unwrap_or_else(|_| "90 1000 1024".to_owned());
    let mut numbers = by_hand.split(' ').map(|number| number.parse().unwrap());
    std::array::from_fn(|_| numbers.next().unwrap())
}

#[test]
fn api_brokers_and_loaders_are_killed_and_what_was_acknowledged_is_there_once() {
    let (Some(mut kafka), Some(postgres)) = (Kafka::start_three(SUITE), Postgres::start(SUITE)) else {
        return;
    };
    let [seconds, events_per_second, event_bytes] = amount();
    let (time, begun) = (Duration::from_secs(seconds as u64), Instant::now());
    let mut api = Weir::start(in_role("api", &kafka, &postgres));
    let load = Load::new("way").connections(4).events_per_request(25).padding_bytes(event_bytes);
    let running = load.events_per_second(events_per_second).time(time + DRAINED_WITHIN).start(&api);
    until(SOON, "events on their way", || running.acknowledged() > 100);
    let mut first = Weir::start(in_role("loader", &kafka, &postgres));
    until(SOON, "it to have partitions", || partitions(&first) >= 1.0);
    while begun.elapsed() < time {
        everything_happens(&mut api, &mut first, &mut kafka, &postgres);
    }

    let sent = running.stop();
    let (wanted, stopped) = (sent.acknowledged.len(), Instant::now());
    api.drained("bus", DRAINED_WITHIN);
    let count = || postgres.ask("SELECT count(*) FROM events").remove(0).parse::<usize>().unwrap();
    until(DRAINED_WITHIN, "all of it to be stored", || count() >= wanted);
    let lag = || first.metrics().sum("weir_input_lag", &[("input", "bus")]);
    until(DRAINED_WITHIN, "nothing to be left", || lag() == Some(0.0));
    let (took, after) = (stopped.duration_since(begun), stopped.elapsed());
    eprintln!("{wanted} acknowledged in {took:?}; {after:?} later all of it was stored");
    sent.assert_stored_once(postgres.ask("SELECT label FROM events"));
    let rows = postgres.ask("SELECT count(*), count(DISTINCT event_id) FROM events").remove(0);
    let (rows, distinct) = rows.split_once('|').unwrap();
    assert_eq!(rows, distinct);
    assert_eq!(first.metrics().account("table").dead, 0.0);
    assert_each_key_kept_its_order(&kafka);
}

fn partitions(weir: &Weir) -> f64 {
    weir.metrics().sum("weir_input_partitions", &[("input", "bus")]).unwrap_or(0.0)
}

/// API, loader and broker are killed, a second loader joins and leaves, another broker hangs for a while.
fn everything_happens(api: &mut Weir, first: &mut Weir, kafka: &mut Kafka, postgres: &Postgres) {
    sleep(Duration::from_secs(2));
    api.kill9();
    api.restart();
    first.kill9();
    sleep(Duration::from_secs(1));
    first.restart();
    let mut second = Weir::start(in_role("loader", kafka, postgres));
    until(SOON, "both to have partitions", || partitions(first) >= 1.0 && partitions(&second) >= 1.0);
    // Whatever leads there leads elsewhere from now on.
    kafka.node(0).kill9();
    sleep(Duration::from_secs(4));
    kafka.node(0).restart();
    kafka.until_in_sync();
    kafka.node(1).freeze();
    sleep(Duration::from_secs(6));
    kafka.node(1).thaw();
    assert!(second.stop().success());
    sleep(Duration::from_secs(2));
}

/// What one connection sent, one request after the other, stands in that order under its key, in one partition.
#[track_caller]
fn assert_each_key_kept_its_order(kafka: &Kafka) {
    let (mut order, mut partitions) = (Order::default(), BTreeMap::new());
    kafka.each("events", |partition, key, value| {
        let mark = value.split_once("\"label\":\"").unwrap().1.split('"').next().unwrap();
        assert!(mark.starts_with(&format!("way-{key}-")), "{mark} under {key}");
        order.follow(mark);
        assert_eq!(*partitions.entry(key.to_owned()).or_insert(partition), partition, "{key}");
    });
    assert_eq!(partitions.len(), 4, "each connection has a key of its own");
}
