//! Telemetry that comes over a broker, backwards, twice and over a kill, makes the same graph as over HTTP.

use std::time::Duration;

use serde_json::json;

use crate::harness::{RabbitMq, Redis, Setup, Weir, until};
use crate::lineage::{CANONICAL, SCENARIO, send};

const SOON: Duration = Duration::from_secs(60);

/// What is told of the scenario where it comes over HTTP.
fn expected() -> String {
    let weir = Weir::start(Setup::new());
    send(&weir, &SCENARIO);
    weir.drained("lineage", SOON);
    weir.get(CANONICAL).body
}

fn fed_from(input: &str) -> Weir {
    Weir::start(
        Setup::new().toml(format!("[inputs.files]\n{input}\nstream = \"telemetry\"\n[sinks.sqlite]\n")),
    )
}

/// Brings the records by `put`, backwards and each twice, and kills the program in between.
#[track_caller]
fn comes_to_the_same(weir: &mut Weir, put: impl Fn(&str)) {
    let backwards: Vec<&str> = SCENARIO.into_iter().rev().collect();
    let (before, after) = backwards.split_at(6);
    before.iter().for_each(|record| put(record));
    weir.kill9();
    after.iter().for_each(|record| put(record));
    weir.restart();
    SCENARIO.iter().for_each(|record| put(record));

    let expected = expected();
    until(SOON, "the whole trace", || weir.get(CANONICAL).body == expected);
    let trace = weir.get_json("/v1/traces/order-77");
    assert_eq!(
        (&trace["state"], &trace["dropped"], &trace["records"]),
        (&json!("ended"), &json!(1), &json!(11))
    );
    let why = weir.get_json("/v1/nodes/file:in-2.csv/why");
    assert_eq!(why["reason"], "header missing");
    assert_eq!(weir.sqlite::<i64>("SELECT count(*) FROM events"), [0], "it is no event of the other sinks");
}

#[test]
fn over_redis() {
    let Some(server) = Redis::start("telemetry from Redis") else { return };
    let mut weir = fed_from(&format!("type = \"redis\"\nurl = \"{}\"\nkeys = [\"files\"]", server.url()));
    comes_to_the_same(&mut weir, |record| drop(server.ask(&["XADD", "files", "*", "record", record])));
}

#[test]
fn over_rabbitmq() {
    let Some(server) = RabbitMq::start("telemetry from RabbitMQ") else { return };
    server.make_queue("files");
    let mut weir = fed_from(&format!("type = \"rabbitmq\"\nurl = \"{}\"\nqueue = \"files\"", server.url()));
    comes_to_the_same(&mut weir, |record| server.publish("files", record));
}

#[cfg(feature = "kafka")]
#[test]
fn over_kafka() {
    let Some(topics) = crate::harness::Topics::start("telemetry from Kafka") else { return };
    topics.write("files", &["{}".to_owned()]);
    let input = format!(
        "type = \"kafka\"\nbrokers = \"{}\"\ntopics = [\"files\"]\ngroup = \"loaders\"\n\
         kafka = {{ \"session.timeout.ms\" = 6000, \"topic.metadata.refresh.interval.ms\" = 1000 }}",
        topics.brokers()
    );
    let mut weir = fed_from(&input);
    comes_to_the_same(&mut weir, |record| topics.write("files", &[record.to_owned()]));
    let letters = weir.get_json("/v1/dead-letters?sink=input:files");
    assert_eq!(letters["items"][0]["reason"], "missing_member", "{letters}");
}

#[cfg(feature = "kafka")]
#[test]
fn a_loader_keeps_lineage_of_its_own() {
    let Some(topics) = crate::harness::Topics::start("telemetry from Kafka") else { return };
    topics.write("files", &SCENARIO.map(str::to_owned));
    let toml = format!(
        "role = \"loader\"\n[inputs.files]\ntype = \"kafka\"\nbrokers = \"{}\"\ntopics = [\"files\"]\ngroup = \"loaders\"\n\
         stream = \"telemetry\"\n[sinks.sqlite]\n",
        topics.brokers()
    );
    let weir = Weir::start(Setup::new().toml(toml));
    let expected = expected();
    until(SOON, "the whole trace", || weir.get(CANONICAL).body == expected);
    assert_eq!(weir.post("/v1/telemetry", SCENARIO[0], &[]).status, 503, "a loader takes nothing in");
}
