//! `type = "kafka"`: what a few lines become, and what is shown of them.

use super::{Place, with_file};
use crate::config::sinks::kafka::KafkaSettings;
use crate::config::{SinkOf, SinkSettings};

const BUS: &str = "[sinks.bus]\ntype = \"kafka\"\nbrokers = \"localhost:9092\"\n";

fn kafka(place: &Place) -> SinkOf<KafkaSettings> {
    match place.load().settings.sinks.remove("bus") {
        Some(SinkSettings::Kafka(sink)) => sink,
        other => panic!("{other:?}"),
    }
}

#[test]
fn batches_follow_one_another_so_that_events_keep_their_order() {
    let sink = kafka(&with_file(BUS));
    assert_eq!((sink.batch.in_flight, sink.batch.max_events), (1, 20_000));
    assert_eq!((sink.topic.as_str(), sink.key.as_deref(), sink.exactly_once), ("{stream}", None, None));
}

#[test]
fn librdkafkas_settings_go_by_its_names_and_no_secret_is_shown() {
    let text = format!(
        "{BUS}[sinks.bus.kafka]\n\"linger.ms\" = 5\nbatch_size = 100000\n\"enable.idempotence\" = true\n\
         \"sasl.mechanism\" = \"PLAIN\"\n\"sasl.username\" = \"weir\"\n\"sasl.password\" = \"env:PASSWORD\"\n"
    );
    let place = with_file(&text).variable("PASSWORD", "hunter2");
    let sink = kafka(&place);
    let expected = [
        ("linger.ms", "5"),
        ("batch.size", "100000"),
        ("enable.idempotence", "true"),
        ("sasl.username", "weir"),
        ("sasl.password", "hunter2"),
    ];
    for (name, value) in expected {
        assert_eq!(sink.kafka.get(name), Some(value), "{name}");
    }
    assert!(!format!("{sink:?}").contains("hunter2"));
    let shown = place.load().show();
    assert!(!shown.contains("hunter2") && shown.contains("(hidden)") && shown.contains("weir"), "{shown}");
}

#[test]
fn what_is_wrong_is_told_by_key() {
    let place = with_file(
        "[sinks.bus]\ntype = \"kafka\"\nbrokers = \"http://k1:9092\"\ntopics_max = 0\ntls = { server_name = \"k\" }\n\
         [sinks.other]\ntype = \"kafka\"\nbrokers = \"k2:9092\"\ntopic = \"t\"\n\
         [sinks.same]\ntype = \"kafka\"\nbrokers = \"k3:9092,K2:9092\"\ntopic = \"t\"\n",
    );
    let told = place.problems();
    for key in
        ["`sinks.bus.brokers`", "`sinks.bus.topics_max`", "`sinks.bus.tls.server_name`", "`sinks.same.topic`"]
    {
        assert!(told.contains(key), "{key}: {told}");
    }
}
