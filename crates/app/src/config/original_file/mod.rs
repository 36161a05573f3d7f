//! The file of a collector that Weir took the place of: a producer before Kafka, a consumer behind it, objects in MinIO or
//! a folder. It works unchanged: what is in it becomes Weir's own settings, each value with the line where it was written.
//!
//! | written | becomes |
//! |---|---|
//! | `[producer.kafka]`, or `[producer]` itself | `[sinks.bus]`: `brokers`, `request_timeout`, and its other settings as Kafka's own |
//! | `[consumer.kafka]`, or `[consumer]` itself | `[inputs.bus]`: `brokers`, `group`, and its other settings as Kafka's own |
//! | `kafka_topic` in `[producer.app]`, `[consumer.app]` or `[general]`; `KAFKA_TOPIC` | `sinks.bus.topic`, `inputs.bus.topics` |
//! | `root_path`, `flush_interval`, `max_output_file_size` in `[consumer.app]` or `[general]` | `[sinks.objects]` |
//! | `[consumer.minio]`, or `[minio]` | its `endpoint`; without it, `root_path` is a folder |
//!
//! **Constraint.** Weir's own sections may stand beside them, and go before what is made of them.

mod kafka;
mod objects;
mod section;

use std::path::Path;

use super::key::Key;
use super::problem::Problem;
use super::tree::{Node, Value};
use super::variables::Variable;
use section::Section;

/// What the sink and the input towards Kafka are called.
const BUS: &str = "bus";
/// The stream of all that goes this way.
const STREAM: &str = "store";
/// How its events are written to Kafka and read from it.
const FORMAT: &str = "protobuf";
/// Where the producer took events in.
const PORT: i64 = 5000;

/// What should be known of a file that was turned into Weir's settings.
#[derive(Default)]
pub struct Told {
    /// What keeps Weir from starting.
    pub problems: Vec<Problem>,
    /// What does not.
    pub warnings: Vec<String>,
}

/// Whether the file is one of that collector.
pub fn is_original(file: &Node) -> bool {
    let has = |name: &str| file.get(&Key::of([name])).is_some_and(|section| section.table().is_some());
    has("producer") || has("consumer")
}

/// Turns the file into Weir's settings. A folder in it is one below `directory`.
pub fn translate(file: &mut Node, directory: &Path) -> Told {
    let mut told = Told::default();
    let mut made = Node::section(file.origin.clone());
    let [general, producer, mut consumer, minio] =
        ["general", "producer", "consumer", "minio"].map(|name| Section::out_of(file, name));
    if producer.is_there() {
        kafka::make_sink(&mut made, producer, &general, &mut told);
    }
    if consumer.is_there() {
        let (app, nearer) = (consumer.within("app"), consumer.within("minio"));
        let minio = if nearer.is_there() { nearer } else { minio };
        let apps = [&app, &general];
        objects::make_sink(&mut made, &consumer, apps, &minio, directory, &mut told);
        kafka::make_input(&mut made, consumer, apps, &mut told);
        app.tell_unknown(&objects::APP, &mut told);
        minio.tell_unknown(&objects::MINIO, &mut told);
    }
    general.tell_unknown(&objects::APP, &mut told);
    made.overlay(std::mem::replace(file, Node::section(made.origin.clone())));
    *file = made;
    told
}

/// `KAFKA_TOPIC`, which goes before what such a file says.
pub fn put_topic(tree: &mut Node, variable: &Variable) {
    let topic = variable.value.trim();
    if topic.is_empty() {
        return;
    }
    let topic = Node::text(topic, variable.origin.clone());
    if tree.get(&Key::of(["sinks", BUS])).is_some() {
        tree.put(&["sinks", BUS, "topic"].map(str::to_owned), topic.clone());
    }
    if tree.get(&Key::of(["inputs", BUS])).is_some() {
        let topics = Node { value: Value::List(vec![topic]), origin: variable.origin.clone() };
        tree.put(&["inputs", BUS, "topics"].map(str::to_owned), topics);
    }
}

/// Puts a value there, as if it had been written like this.
fn put(tree: &mut Node, path: &[&str], node: Node) {
    let path: Vec<String> = path.iter().map(ToString::to_string).collect();
    tree.put(&path, node);
}
