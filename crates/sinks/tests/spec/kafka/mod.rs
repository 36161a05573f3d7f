//! The Kafka sink, from outside: into real nodes, read back by kcat.

mod cluster;
mod once;
mod probe;
mod real;
mod server;
mod trouble;
#[cfg(feature = "kafka-tls")]
mod trust;

use weir_core::event::Record;
use weir_core::sink::SinkError;
use weir_core::testkit::record;
use weir_sinks::kafka::{KafkaSettings, KafkaSink};

/// Events of the stream `events`; the name of each is one of three.
fn events(offsets: std::ops::Range<u64>) -> Vec<Record> {
    let event = |offset| {
        let mut record = record(offset, "events", 0);
        let name = ["click", "view", "buy"][offset as usize % 3];
        record.event.body = format!(r#"{{"page":"/{offset}","event":"{name}"}}"#).into();
        record
    };
    offsets.map(event).collect()
}

fn start(settings: &KafkaSettings) -> KafkaSink {
    KafkaSink::start(settings.clone()).unwrap()
}

#[track_caller]
fn assert_blocked<T: std::fmt::Debug>(answer: Result<T, SinkError>, words: &[&str]) {
    let Err(SinkError::Blocked { cause }) = answer else { panic!("a person has to mend this: {answer:?}") };
    let said = cause.to_string();
    assert!(words.iter().all(|word| said.contains(word)), "{said}");
}
