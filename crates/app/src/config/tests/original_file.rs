//! The file of the collector before Kafka and behind it, as its checkouts have it: what becomes of it.

use insta::assert_snapshot;

use super::Place;
use crate::config::settings::Settings;
use crate::config::sources::{self, Sources};
use crate::config::tree::{Node, Value};

/// Both halves have sections of their own.
const NESTED: &str = include_str!("../../../tests/fixtures/originals/config/dev.toml");
/// As its readme tells it: four sections.
const FLAT: &str = include_str!("../../../tests/fixtures/originals/config/stg.toml");

fn place() -> Place {
    Place::new().file("config/dev.toml", NESTED).file("config/stg.toml", FLAT)
}

fn read(place: &Place) -> Sources {
    sources::read(&place.request, &Settings::TOP_LEVEL).unwrap_or_else(|error| panic!("{error}"))
}

/// What the files and variables say, a line a value, without what is built in.
fn told(place: &Place) -> String {
    let mut lines = Vec::new();
    tell(&read(place).tree, "", &mut lines);
    place.without_directory(&lines.join("\n"))
}

fn tell(node: &Node, name: &str, lines: &mut Vec<String>) {
    let value = match &node.value {
        Value::Table(table) => {
            for (member, node) in table {
                let around = if name.is_empty() { String::new() } else { format!("{name} ") };
                tell(node, &format!("{around}{member}"), lines);
            }
            return;
        }
        Value::Text(text) => format!("{text:?}"),
        Value::List(items) => format!("{:?}", items.iter().map(|item| &item.value).collect::<Vec<_>>()),
        other => format!("{other:?}"),
    };
    let origin = node.origin.to_string();
    if origin != "built in" {
        lines.push(format!("{name} = {value}  # {origin}"));
    }
}

#[test]
fn it_is_taken_where_nobody_says_anything_and_every_value_knows_its_line() {
    assert_snapshot!(told(&place()), @r#"
    inputs bus brokers = "kafka-broker-1:9092,kafka-broker-2:9094,kafka-broker-3:9095"  # config/dev.toml:18
    inputs bus format = "protobuf"  # config/dev.toml:16
    inputs bus from = "oldest"  # config/dev.toml:21
    inputs bus group = "test_events_consumer_group"  # config/dev.toml:19
    inputs bus kafka partition.assignment.strategy = "range"  # config/dev.toml:20
    inputs bus stream = "store"  # config/dev.toml:16
    inputs bus topics = [Text("event-messages")]  # config/dev.toml:24
    inputs bus type = "kafka"  # config/dev.toml:16
    sinks bus brokers = "kafka-broker-1:9092,kafka-broker-2:9094,kafka-broker-3:9095"  # config/dev.toml:3
    sinks bus format = "protobuf"  # config/dev.toml:1
    sinks bus kafka acks = "all"  # config/dev.toml:6
    sinks bus kafka batch.size = Integer(16384)  # config/dev.toml:7
    sinks bus kafka enable.idempotence = Boolean(true)  # config/dev.toml:8
    sinks bus kafka linger.ms = Integer(100)  # config/dev.toml:10
    sinks bus kafka max.in.flight.requests.per.connection = Integer(1)  # config/dev.toml:5
    sinks bus kafka request.timeout.ms = Integer(30000)  # config/dev.toml:11
    sinks bus kafka retries = Integer(2147483647)  # config/dev.toml:4
    sinks bus key = "{event}"  # config/dev.toml:1
    sinks bus request_timeout = "2m"  # config/dev.toml:9
    sinks bus streams = "store"  # config/dev.toml:1
    sinks bus topic = "event-messages"  # config/dev.toml:14
    sinks bus type = "kafka"  # config/dev.toml:1
    sinks objects batch max_age = "8s"  # config/dev.toml:26
    sinks objects batch max_bytes = Integer(4194304)  # config/dev.toml:27
    sinks objects endpoint = "http://minio:9000"  # config/dev.toml:30
    sinks objects streams = "store"  # config/dev.toml:16
    sinks objects type = "objects"  # config/dev.toml:16
    sinks objects url = "s3://consumed-events"  # config/dev.toml:25
    store port = Integer(5000)  # config/dev.toml:1
    "#);
    assert!(read(&place()).warnings.is_empty());
}

#[test]
fn its_environment_chooses_it_and_four_sections_mean_the_same() {
    let place = place().variable("ENVIRONMENT", "stg");
    assert_snapshot!(told(&place), @r#"
    environment = "stg"  # environment variable ENVIRONMENT
    inputs bus brokers = "localhost:9092"  # config/stg.toml:15
    inputs bus format = "protobuf"  # config/stg.toml:14
    inputs bus from = "newest"  # config/stg.toml:17
    inputs bus group = "test_events_consumer_group"  # config/stg.toml:16
    inputs bus stream = "store"  # config/stg.toml:14
    inputs bus topics = [Text("event-messages")]  # config/stg.toml:2
    inputs bus type = "kafka"  # config/stg.toml:14
    sinks bus brokers = "localhost:9092"  # config/stg.toml:9
    sinks bus format = "protobuf"  # config/stg.toml:8
    sinks bus kafka linger.ms = Integer(5)  # config/stg.toml:12
    sinks bus key = "{event}"  # config/stg.toml:8
    sinks bus streams = "store"  # config/stg.toml:8
    sinks bus topic = "event-messages"  # config/stg.toml:2
    sinks bus type = "kafka"  # config/stg.toml:8
    sinks objects batch buffer_max_bytes = Integer(41943040)  # config/stg.toml:6
    sinks objects batch max_age = "8s"  # config/stg.toml:5
    sinks objects batch max_bytes = Integer(41943040)  # config/stg.toml:6
    sinks objects streams = "store"  # config/stg.toml:14
    sinks objects type = "objects"  # config/stg.toml:14
    sinks objects url = "file://consumer_output"  # config/stg.toml:3
    store port = Integer(5000)  # config/stg.toml:8
    "#);
    assert_snapshot!(place.without_directory(&read(&place).warnings.join("\n")), @r#"
    `producer.acks` (config/stg.toml:10) is passed over: an event counts as delivered once all replicas have it
    `producer.enable_idempotence` (config/stg.toml:11) is passed over: an event that is sent again must not be there twice
    `general.consumer_batch_size` (config/stg.toml:4) has no meaning here and is passed over
    `consumer.enable_auto_commit` (config/stg.toml:18) is passed over: what is committed is what the stores have, not what was read
    "#);
}

#[test]
fn its_variables_go_before_it_and_weirs_own_before_these() {
    let place = place()
        .file(".env", "KAFKA_TOPIC=from-file\nMINIO_ACCESS_KEY=minio_user\nMINIO_SECRET_KEY=minio_password\n")
        .variable("KAFKA_TOPIC", "from-environment");
    let of = |place: &Place, begins: &str| {
        told(place)
            .lines()
            .filter(|line| line.contains(begins))
            .map(str::to_owned)
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_snapshot!(of(&place, "topic"), @r#"
    inputs bus topics = [Text("from-environment")]  # environment variable KAFKA_TOPIC
    sinks bus topic = "from-environment"  # environment variable KAFKA_TOPIC
    "#);
    assert_snapshot!(of(&place, "_key"), @r#"
    sinks objects access_key = "minio_user"  # .env:2 (MINIO_ACCESS_KEY)
    sinks objects secret_key = "minio_password"  # .env:3 (MINIO_SECRET_KEY)
    "#);
    let place = place.variable("WEIR_SINKS__BUS__TOPIC", "own");
    assert!(of(&place, "sinks bus topic").contains("\"own\""));

    let other = Place::new().variable("KAFKA_TOPIC", "x");
    assert_eq!(told(&other), "", "without such a file, the variable is another program's");
}

#[test]
fn weirs_own_sections_may_stand_beside_it() {
    let text = format!(
        "{NESTED}\n[server]\nport = 1\n[sinks.bus.batch]\nmax_age = \"1ms\"\n[sinks.objects]\ncompression = \"zstd\"\n"
    );
    let told = told(&Place::new().file("dev.toml", &text));
    for line in [
        "server port = Integer(1)",
        "sinks bus batch max_age = \"1ms\"",
        "sinks objects compression = \"zstd\"",
    ] {
        assert!(told.contains(line), "{told}");
    }
    assert!(told.contains("sinks bus type = \"kafka\""), "{told}");
}

#[test]
fn weirs_own_file_goes_before_it_and_another_of_the_name_is_not_taken_by_itself() {
    let place = place().file("weir.toml", "server.port = 7");
    assert_eq!(told(&place), "server port = Integer(7)  # weir.toml:1");
    let other = Place::new().file("dev.toml", "server.port = 7");
    assert_eq!(told(&other), "", "it has to be asked for");
}

#[test]
fn what_it_does_not_know_is_told_with_what_is_meant() {
    let text = "\
[general]
rot_path = 'x'
[consumer.app]
flush_interval = '8s'
max_output_file_size = 0
[consumer.minio]
secure = true
endpont = 'minio:9000'
[producer.app]
topic = 'x'
";
    let place = Place::new().file("dev.toml", text);
    let error = sources::read(&place.request, &Settings::TOP_LEVEL).err().map(|error| error.to_string());
    assert_snapshot!(place.without_directory(&error.unwrap_or_default()), @r#"
    dev.toml:2: `general.rot_path` is not a setting of the collector whose file this is
        Did you mean `root_path`? There are: `kafka_topic`, `root_path`, `flush_interval`, `max_output_file_size`, `consumer_batch_size`, `min_commit_count`.
    dev.toml:3: `consumer.app.root_path` is missing
        Add root_path = "…": the bucket, or the folder where there is no MinIO.
    dev.toml:4: `consumer.app.flush_interval` is not a whole number above zero
        Write a whole number above zero.
    dev.toml:5: `consumer.app.max_output_file_size` is not a whole number above zero
        Write a whole number above zero.
    dev.toml:8: `consumer.minio.endpont` is not a setting of the collector whose file this is
        Did you mean `endpoint`? There are: `endpoint`, `secure`.
    dev.toml:10: `producer.app.topic` is not a setting of the collector whose file this is
        There are: `kafka_topic`.
    "#);
}

#[test]
fn names_of_kafkas_own_may_be_written_as_kafka_has_them() {
    let text = "[producer]\n'linger.ms' = 5\nbatch.size = 1\n[producer.kafka.queue.buffering.max]\nms = 7\n";
    let told = told(&Place::new().file("dev.toml", text));
    for name in ["linger.ms", "batch.size", "queue.buffering.max.ms"] {
        assert!(told.contains(&format!("sinks bus kafka {name} = ")), "{told}");
    }
}

#[test]
fn only_one_half_may_be_there() {
    let producer = Place::new()
        .file("dev.toml", "[producer.kafka]\nbootstrap_servers = 'a:1'\n[producer.app]\nkafka_topic = 't'\n");
    let told_of_producer = told(&producer);
    assert!(
        told_of_producer.contains("sinks bus topic = \"t\"") && !told_of_producer.contains("inputs"),
        "{told_of_producer}"
    );
    let consumer = "[consumer.kafka]\nbootstrap_servers = 'a:1'\n[consumer.app]\nkafka_topic = 't'\nroot_path = '/data'\n[consumer.minio]\nendpoint = 'm:1'\nsecure = true\n";
    let told_of_consumer = told(&Place::new().file("dev.toml", consumer));
    assert!(
        !told_of_consumer.contains("sinks bus") && !told_of_consumer.contains("store port"),
        "{told_of_consumer}"
    );
    for line in ["sinks objects url = \"s3://data\"", "sinks objects endpoint = \"https://m:1\""] {
        assert!(told_of_consumer.contains(line), "{told_of_consumer}");
    }
}
