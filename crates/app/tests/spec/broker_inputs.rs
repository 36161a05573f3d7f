//! Events that anybody put into a real Redis or RabbitMQ become rows, whoever is killed; what is no event becomes a dead
//! letter with its place.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::Duration;

use crate::harness::{RabbitMq, Redis, Setup, Weir, until};

const SOON: Duration = Duration::from_secs(60);

fn weir_from(kind: &str, url: &str, own: &str) -> Weir {
    let toml = format!(
        "[inputs.queue]\ntype = \"{kind}\"\nurl = \"env:QUEUE_URL\"\n{own}\n[streams.orders]\nrequired = [\"/n\"]\n[sinks.sqlite]\n"
    );
    Weir::start(Setup::new().toml(toml).variable("QUEUE_URL", url))
}

/// The numbers of the orders that are stored, each event once.
fn stored(weir: &Weir) -> Vec<i64> {
    weir.sqlite(
        "SELECT CAST(json_extract(extra, '$.n') AS INTEGER) FROM events WHERE stream = 'orders' ORDER BY 1",
    )
}

#[track_caller]
fn dead_letter(weir: &Weir) -> serde_json::Value {
    let letters = || weir.get_json("/v1/dead-letters?sink=input:queue")["items"].as_array().unwrap().clone();
    until(SOON, "a dead letter", || letters().len() == 1);
    // The account in memory follows the stored one.
    let dead = || weir.metrics().sum("weir_input_dead_total", &[("input", "queue")]);
    until(SOON, "its place in the metrics", || dead() == Some(1.0));
    letters()[0].clone()
}

#[test]
fn entries_of_redis_become_rows_and_what_is_no_event_a_dead_letter() {
    let Some(server) = Redis::start("inputs from Redis") else { return };
    let add = |fields: &[&str]| server.ask(&[&["XADD", "orders", "*"], fields].concat());
    add(&["order", r#"{"n":1}"#]);
    let own = "keys = [\"orders\"]\nstream = \"orders\"\ntrim = true";
    let mut weir = weir_from("redis", &server.url(), own);
    add(&["n", "2", "shop", "a"]);
    add(&["order", r#"{"m":3}"#]);
    add(&["id", "01a2142c-e213-7acb-9823-2d29b69c939e", "event", r#"{"n":4}"#]);
    until(SOON, "rows", || stored(&weir).len() == 3);
    let ids = weir.sqlite::<String>("SELECT event_id FROM events");
    assert!(ids.contains(&"01a2142c-e213-7acb-9823-2d29b69c939e".to_owned()), "{ids:?}");
    let letter = dead_letter(&weir);
    assert_eq!(
        (letter["reason"].as_str(), &letter["source"]["topic"]),
        (Some("missing_member"), &"orders".into())
    );

    weir.kill9();
    (10..110).for_each(|number| drop(add(&["order", &format!("{{\"n\":{number}}}")])));
    weir.restart();
    until(SOON, "rows", || stored(&weir).len() == 103);
    // Emptied by force: said, made again, and read on.
    server.ask(&["FLUSHALL"]);
    add(&["order", r#"{"n":200}"#]);
    until(SOON, "a row", || stored(&weir).len() == 104);
    until(SOON, "it to say so", || weir.said().contains("made anew"));
    assert!(!weir.said().contains("weir-password"));
}

#[test]
fn messages_of_rabbitmq_become_rows_whoever_is_killed() {
    let Some(mut server) = RabbitMq::start("inputs from RabbitMQ") else { return };
    server.make_queue("orders");
    let mut weir = weir_from("rabbitmq", &server.url(), "queue = \"orders\"\nstream = \"orders\"");
    server.publish("orders", r#"{"n":1}"#);
    until(SOON, "a row", || stored(&weir) == [1]);
    server.publish("orders", "no JSON");
    let letter = dead_letter(&weir);
    assert_eq!(
        (letter["reason"].as_str(), &letter["source"]["topic"]),
        (Some("invalid_json"), &"orders".into())
    );

    for number in 10..60 {
        server.publish("orders", &format!("{{\"n\":{number}}}"));
        match number {
            20 => weir.kill9(),
            40 => weir.restart(),
            50 => {
                sleep(Duration::from_secs(5));
                server.kill9();
                server.restart();
            }
            _ => {}
        }
    }
    let all: BTreeSet<i64> = (10..60).collect();
    until(SOON, "rows", || stored(&weir).into_iter().collect::<BTreeSet<_>>().is_superset(&all));
}
