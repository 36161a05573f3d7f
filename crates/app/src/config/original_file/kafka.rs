//! The producer's and the consumer's half: a sink and an input of type `kafka`.

use std::time::Duration;

use super::section::{Section, Setting, of_app};
use super::{BUS, FORMAT, PORT, STREAM, Told, put};
use crate::config::duration;
use crate::config::tree::{Node, Value};

const TOPIC: &str = "kafka_topic";

/// A setting that is passed over where it would have less done than Weir promises.
struct Weaker {
    name: &'static str,
    is_weaker: fn(&Value) -> bool,
    why: &'static str,
}

const WEAKER: [Weaker; 6] = [
    Weaker {
        name: "acks",
        is_weaker: |value| !matches!(written(value).as_str(), "all" | "-1"),
        why: "an event counts as delivered once all replicas have it",
    },
    Weaker {
        name: "enable.idempotence",
        is_weaker: |value| written(value) == "false",
        why: "an event that is sent again must not be there twice",
    },
    Weaker {
        name: "max.in.flight.requests.per.connection",
        is_weaker: |value| matches!(value, Value::Integer(6..)),
        why: "beyond 5, events that are sent again change their order",
    },
    Weaker {
        name: "retries",
        is_weaker: |value| matches!(value, Value::Integer(..1)),
        why: "what has failed is sent again",
    },
    Weaker { name: "enable.auto.commit", is_weaker: |value| written(value) != "false", why: COMMITTED },
    Weaker { name: "enable.auto.offset.store", is_weaker: |value| written(value) != "false", why: COMMITTED },
];
const COMMITTED: &str = "what is committed is what the stores have, not what was read";

/// Makes `[sinks.bus]`, and has events come in on the port where they came in before.
pub(super) fn make_sink(made: &mut Node, mut producer: Section, general: &Section, told: &mut Told) {
    let app = producer.within("app");
    let text = |text: &str| Node::text(text, producer.origin());
    for (member, value) in [("type", "kafka"), ("streams", STREAM), ("key", "{event}"), ("format", FORMAT)] {
        put(made, &["sinks", BUS, member], text(value));
    }
    put(made, &["store", "port"], Node { value: Value::Integer(PORT), origin: producer.origin() });
    if let Some(topic) = of_app([&app, general], TOPIC) {
        put(made, &["sinks", BUS, "topic"], topic.node);
    }
    app.tell_unknown(&[TOPIC], told);
    for (name, setting) in kafka_settings(producer, told) {
        match name.as_str() {
            "bootstrap.servers" => put(made, &["sinks", BUS, "brokers"], brokers(setting)),
            // For all of a delivery, as it was for all of what the client did for a message.
            "delivery.timeout.ms" => {
                if let Some(millis) = setting.integer(told) {
                    let limit = Value::Text(duration::write(Duration::from_millis(millis)));
                    put(made, &["sinks", BUS, "request_timeout"], setting.replaced(limit));
                }
            }
            _ => put(made, &["sinks", BUS, "kafka", &name], setting.node),
        }
    }
}

/// Makes `[inputs.bus]`.
pub(super) fn make_input(made: &mut Node, consumer: Section, apps: [&Section; 2], told: &mut Told) {
    let text = |text: &str| Node::text(text, consumer.origin());
    for (member, value) in [("type", "kafka"), ("stream", STREAM), ("format", FORMAT)] {
        put(made, &["inputs", BUS, member], text(value));
    }
    if let Some(topic) = of_app(apps, TOPIC) {
        let topics = topic.replaced(Value::List(vec![topic.node.clone()]));
        put(made, &["inputs", BUS, "topics"], topics);
    }
    for (name, setting) in kafka_settings(consumer, told) {
        match name.as_str() {
            "bootstrap.servers" => put(made, &["inputs", BUS, "brokers"], brokers(setting)),
            "group.id" => put(made, &["inputs", BUS, "group"], setting.node),
            "auto.offset.reset" => {
                let is_oldest =
                    matches!(written(&setting.node.value).as_str(), "smallest" | "earliest" | "beginning");
                let from = if is_oldest { "oldest" } else { "newest" };
                put(made, &["inputs", BUS, "from"], setting.replaced(Value::Text(from.to_owned())));
            }
            _ => put(made, &["inputs", BUS, "kafka", &name], setting.node),
        }
    }
}

/// The section's settings of Kafka's own, by Kafka's names: they stand in it, or in `kafka` within it.
fn kafka_settings(mut section: Section, told: &mut Told) -> Vec<(String, Setting)> {
    let within = section.within("kafka");
    let mut named = Vec::new();
    for (name, setting) in section.settings().chain(within.settings()) {
        flatten(name.replace('_', "."), setting, &mut named);
    }
    named.retain(|(name, setting)| {
        let weaker = WEAKER.iter().find(|weaker| weaker.name == name);
        let weaker = weaker.filter(|weaker| (weaker.is_weaker)(&setting.node.value));
        if let Some(Weaker { why, .. }) = weaker {
            let Setting { key, node } = setting;
            told.warnings.push(format!("`{key}` ({}) is passed over: {why}", node.origin));
        }
        weaker.is_none()
    });
    named
}

/// A name with dots and without quotes is one section in another, as TOML has it.
fn flatten(name: String, setting: Setting, named: &mut Vec<(String, Setting)>) {
    let Setting { key, node } = setting;
    match node.value {
        Value::Table(table) => {
            for (part, node) in table {
                flatten(format!("{name}.{part}"), Setting { key: key.child(&part), node }, named);
            }
        }
        _ => named.push((name, Setting { key, node })),
    }
}

fn brokers(setting: Setting) -> Node {
    match &setting.node.value {
        Value::List(items) => {
            let names: Vec<String> = items.iter().map(|item| written(&item.value)).collect();
            setting.replaced(Value::Text(names.join(",")))
        }
        _ => setting.node,
    }
}

fn written(value: &Value) -> String {
    match value {
        Value::Text(text) => text.trim().to_lowercase(),
        Value::Integer(number) => number.to_string(),
        Value::Boolean(flag) => flag.to_string(),
        _ => String::new(),
    }
}
