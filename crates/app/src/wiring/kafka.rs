//! From `type = "kafka"` to the sink, in programs that have it.

use std::sync::Arc;

use weir_core::sink::Sink;

use super::sinks::Around;
use crate::config::sinks::kafka::KafkaSettings;

#[cfg(feature = "kafka")]
pub(super) fn open(name: &str, sink: &KafkaSettings, around: Around<'_>) -> anyhow::Result<Arc<dyn Sink>> {
    use crate::config::sinks::kafka::KafkaFormat;
    use weir_sinks::kafka::{self, Connection, CreateTopics, Format, KafkaSink, TlsFiles};

    let files = |tls: &crate::config::TlsSettings| TlsFiles {
        ca: tls.ca.clone(),
        cert: tls.cert.clone(),
        key: tls.key.clone(),
    };
    let settings = kafka::KafkaSettings {
        name: name.to_owned(),
        connection: Connection {
            brokers: sink.brokers.clone(),
            tls: sink.tls.as_ref().map(files),
            own: sink.kafka.values().clone(),
        },
        topic: sink.topic.clone(),
        key: sink.key.clone(),
        format: match sink.format {
            KafkaFormat::Json => Format::Json,
            KafkaFormat::Raw => Format::Raw,
            KafkaFormat::Protobuf => Format::Protobuf,
        },
        schemas: around.schemas.clone(),
        exactly_once: sink.exactly_once,
        group: sink.group.clone(),
        create_topics: sink
            .create_topics
            .map(|wanted| CreateTopics { partitions: wanted.partitions, replication: wanted.replication }),
        topics_max: sink.topics_max,
        request_timeout: sink.request_timeout,
    };
    Ok(Arc::new(KafkaSink::start(settings)?))
}

/// The check of the settings has told it before; this is what is left where nobody asked for one.
#[cfg(not(feature = "kafka"))]
pub(super) fn open(_name: &str, _sink: &KafkaSettings, _around: Around<'_>) -> anyhow::Result<Arc<dyn Sink>> {
    anyhow::bail!("this program was built without Kafka: build it with `--features kafka-tls`")
}
