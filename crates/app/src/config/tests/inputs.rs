//! `[inputs.NAME]`: where events come from, beside HTTP.

#[cfg(feature = "kafka")]
use crate::config::InputSettings;
#[cfg(feature = "kafka")]
use crate::config::inputs::{InputBeginning, InputFormat};

use super::with_file;

const BUS: &str =
    "[inputs.bus]\ntype = \"kafka\"\nbrokers = \"k1:9092,k2:9092\"\ntopics = [\"orders\", \"^x-.*\"]\n";

/// Where Kafka is not built in, that is told of every input, and nothing else can be.
#[cfg(feature = "kafka")]
#[test]
fn an_input_needs_brokers_and_topics_and_has_defaults_for_the_rest() {
    let configuration = with_file(BUS).load();
    let InputSettings::Kafka(input) = &configuration.settings.inputs["bus"] else { panic!("another type") };
    assert_eq!((input.group.as_str(), input.stream.as_deref()), ("weir", None));
    assert_eq!((input.format, input.from), (InputFormat::Json, InputBeginning::Oldest));
    let text = "kafka = { \"fetch.min.bytes\" = 7, sasl_password = \"geheim\" }\nformat = \"ndjson\"\nfrom = \"newest\"\nstream = \"actions\"\n[streams.actions]\n";
    let configuration = with_file(&format!("{BUS}{text}")).load();
    let InputSettings::Kafka(input) = &configuration.settings.inputs["bus"] else { panic!("another type") };
    assert_eq!((input.format, input.from), (InputFormat::Ndjson, InputBeginning::Newest));
    assert_eq!(
        (input.kafka.get("fetch.min.bytes"), input.kafka.get("sasl.password")),
        (Some("7"), Some("geheim"))
    );
    let shown = configuration.show();
    assert!(
        shown.contains("[inputs.bus]") && shown.contains("type = \"kafka\"") && !shown.contains("geheim"),
        "{shown}"
    );
    let by_name =
        with_file(&BUS.replace("inputs.bus", "inputs.kafka").replace("type = \"kafka\"\n", "")).load();
    assert!(by_name.settings.inputs.contains_key("kafka"));
}

#[test]
fn what_is_wrong_with_an_input_is_told_with_its_place() {
    let cases = [
        ("brokers = \"k1:9092,k2:9092\"", "brokers = \"http://k1\"", "inputs.bus.brokers"),
        ("topics = [\"orders\", \"^x-.*\"]", "topics = []", "inputs.bus.topics"),
        ("type = \"kafka\"", "type = \"kafak\"", "Did you mean `kafka`?"),
        ("topics = [", "stream = \"actoins\"\ntopics = [", "inputs.bus.stream"),
        ("topics = [", "group = \"\"\ntopics = [", "inputs.bus.group"),
        ("topics = [", "message = \"E\"\ntopics = [", "inputs.bus.message"),
        ("topics = [", "dead_letter_topic = \"orders\"\ntopics = [", "come back for ever"),
        ("topics = [", "dead_letter_topic = \"{a}\"\ntopics = [", "inputs.bus.dead_letter_topic"),
        ("topics = [", "format = \"avro\"\ntopics = [", "inputs.bus.format"),
        ("inputs.bus", "inputs.\"a b\"", "no name that an input can have"),
    ];
    for (from, to, expected) in cases {
        let told = with_file(&BUS.replace(from, to)).problems();
        assert!(told.contains(expected), "{to}: {told}");
    }
}

/// One file serves every role: a circle is one within a process, and a secret is wanted where it is used.
#[cfg(feature = "kafka")]
#[test]
fn an_input_belongs_to_loaders_and_reads_nothing_that_its_own_process_writes() {
    let sink = "[sinks.out]\ntype = \"kafka\"\nbrokers = \"k2:9092\"\ntopic = \"orders\"\n[sinks.sqlite]\n";
    let text = format!("{BUS}kafka = {{ \"sasl.password\" = \"env:ABSENT\" }}\n{sink}");
    let api = with_file(&format!("role = \"api\"\n{text}")).load();
    assert!(api.warnings.iter().any(|warning| warning.contains("ABSENT")), "{:?}", api.warnings);
    assert_eq!(api.settings.inputs_here().count(), 0);
    let loader = with_file(&format!("role = \"loader\"\n{BUS}{sink}")).load();
    assert_eq!(loader.settings.inputs_here().count(), 1);
    let all = with_file(&format!("{BUS}{sink}")).problems();
    assert!(all.contains("`sinks.out` writes") && all.contains("`topic`"), "{all}");
}
