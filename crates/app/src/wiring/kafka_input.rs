//! From `[inputs.NAME]` with `type = "kafka"` to deliveries that read its partitions, in programs that have it.

use std::sync::Arc;

use super::inputs::Surroundings;
use crate::config::inputs::kafka::KafkaInputSettings;
use crate::inputs::Input;

#[cfg(feature = "kafka")]
pub(super) use loader::start;

/// The check of the settings has told it before; this is what is left where nobody asked for one.
#[cfg(not(feature = "kafka"))]
pub(super) fn start(_: &str, _: &KafkaInputSettings, _: &Surroundings) -> anyhow::Result<Arc<dyn Input>> {
    anyhow::bail!("this program was built without Kafka: build it with `--features kafka-tls`")
}

#[cfg(feature = "kafka")]
mod loader {
    use std::collections::HashMap;
    use std::time::Duration;

    use async_trait::async_trait;
    use tokio::task::JoinHandle;
    use weir_core::catalog::Catalog;
    use weir_core::event::Stream;
    use weir_core::log::Partition;
    use weir_core::message::ValueFormat;
    use weir_core::progress::CommitCatalog;
    use weir_core::sink::Sink;
    use weir_core::world::Random;
    use weir_log::kafka::{self, Change, Connection, Membership, Seat, TlsFiles};
    use weir_sinks::kafka::{CreateTopics, KafkaSink};

    use super::{Arc, Input, KafkaInputSettings, Surroundings};
    use crate::config::TlsSettings;
    use crate::config::inputs::{InputBeginning, InputFormat};
    use crate::deliveries::{Assigned, Deliveries, Nowhere};
    use crate::inputs::{InputStatus, PartitionStatus};

    /// How long what could not be taken up waits before it is tried again.
    const RETRY_AFTER: Duration = Duration::from_secs(2);
    /// As many bits of the dice make the name of an era.
    const ERA_BITS: u32 = 40;

    pub(in crate::wiring) fn start(
        name: &str,
        input: &KafkaInputSettings,
        around: &Surroundings,
    ) -> anyhow::Result<Arc<dyn Input>> {
        let Surroundings { deliveries, catalog, random, rules, schemas, .. } = around;
        let settings =
            kafka::KafkaSettings { rules: rules.clone(), schemas: schemas.clone(), ..settings(name, input) };
        let loader = Arc::new(Loader {
            name: name.to_owned(),
            membership: Membership::start(&settings)?,
            deliveries: deliveries.clone(),
            catalog: catalog.clone(),
            random: random.clone(),
            letters: letters(name, input)?,
        });
        tokio::spawn(loader.clone().run());
        Ok(loader)
    }

    fn settings(name: &str, input: &KafkaInputSettings) -> kafka::KafkaSettings {
        let files =
            |tls: &TlsSettings| TlsFiles { ca: tls.ca.clone(), cert: tls.cert.clone(), key: tls.key.clone() };
        let bytes = |size: u64| usize::try_from(size).unwrap_or(usize::MAX);
        kafka::KafkaSettings {
            connection: Connection {
                brokers: input.brokers.clone(),
                tls: input.tls.as_ref().map(files),
                own: input.kafka.values().clone(),
            },
            topics: input.topics.clone(),
            group: input.group.clone(),
            begins_with_oldest: input.from == InputBeginning::Oldest,
            stream: input.stream.as_deref().and_then(Stream::new),
            format: match input.format {
                InputFormat::Json => ValueFormat::Json,
                InputFormat::Ndjson => ValueFormat::Lines,
                InputFormat::Protobuf => ValueFormat::Protobuf,
                InputFormat::Raw => ValueFormat::Raw,
            },
            message: input.message.clone(),
            message_max_bytes: bytes(input.message_max_bytes),
            window_max_bytes: bytes(input.window_max_bytes),
            ..kafka::KafkaSettings::new(name, &input.brokers, &[])
        }
    }

    /// Where what cannot be read goes, beside the dead letters.
    fn letters(name: &str, input: &KafkaInputSettings) -> anyhow::Result<Arc<dyn Sink>> {
        let Some(topic) = &input.dead_letter_topic else { return Ok(Arc::new(Nowhere)) };
        let connection = settings(name, input).connection;
        // What is librdkafka's for reading only, a producer passes over with a word in the log.
        let settings = weir_sinks::kafka::KafkaSettings {
            name: name.to_owned(),
            connection,
            topic: topic.clone(),
            group: input.group.clone(),
            topics_max: 1,
            create_topics: Some(CreateTopics::default()),
            ..weir_sinks::kafka::KafkaSettings::new(&input.brokers)
        };
        Ok(Arc::new(KafkaSink::start(settings)?))
    }

    /// Has deliveries follow what the group assigns.
    struct Loader {
        name: String,
        membership: Membership,
        deliveries: Arc<Deliveries>,
        catalog: Arc<dyn Catalog>,
        random: Arc<dyn Random>,
        letters: Arc<dyn Sink>,
    }

    /// What is being done about a partition.
    struct Doing {
        is_taking_up: bool,
        task: JoinHandle<()>,
    }

    impl Loader {
        /// Of one partition, one thing after the other; partitions beside one another.
        async fn run(self: Arc<Self>) {
            let mut doing: HashMap<Partition, Doing> = HashMap::new();
            while let Some(change) = self.membership.next().await {
                let (partition, is_taking_up) = match &change {
                    Change::Assigned(seat) => (seat.partition.clone(), true),
                    Change::Revoked(partition) => (partition.clone(), false),
                };
                let before = doing.remove(&partition);
                if let Some(Doing { is_taking_up: true, task }) = &before {
                    task.abort();
                }
                let loader = self.clone();
                let task = tokio::spawn(async move {
                    if let Some(Doing { task, .. }) = before {
                        // It was aborted, or is done.
                        let _ = task.await;
                    }
                    match change {
                        Change::Assigned(seat) => loader.take_up(&seat).await,
                        Change::Revoked(partition) => loader.let_go(&partition).await,
                    }
                });
                doing.insert(partition, Doing { is_taking_up, task });
            }
        }

        /// Tries until the partition is delivered from, or is somebody else's.
        async fn take_up(&self, seat: &Seat) {
            while let Err(error) = self.attempt(seat).await {
                if !self.membership.holds(seat) {
                    return;
                }
                let error = format!("{error:#}");
                tracing::warn!(input = self.name, partition = %seat.partition, error, "a partition cannot be taken up yet");
                tokio::time::sleep(RETRY_AFTER).await;
            }
        }

        async fn attempt(&self, seat: &Seat) -> anyhow::Result<()> {
            let Some(found) = self.membership.find(seat).await? else { return Ok(()) };
            let era = self.random.next() >> (u64::BITS - ERA_BITS);
            let committer = Arc::new(self.membership.committer(seat));
            let progress = CommitCatalog::take_up(found, era, self.catalog.clone(), committer)?;
            let assigned = Assigned {
                input: self.name.clone(),
                partition: seat.partition.clone(),
                log: self.membership.log(),
                progress: Arc::new(progress),
                letters: self.letters.clone(),
            };
            Ok(self.deliveries.assign(assigned).await?)
        }

        async fn let_go(&self, partition: &Partition) {
            self.deliveries.revoke(partition).await;
            self.membership.forget(partition);
        }
    }

    #[async_trait]
    impl Input for Loader {
        fn status(&self) -> InputStatus {
            let status = self.membership.status();
            let partition = |one: kafka::PartitionStatus| PartitionStatus {
                partition: one.partition.to_string(),
                committed: one.committed,
                end: one.end,
            };
            InputStatus {
                name: self.name.clone(),
                kind: "kafka",
                partitions: status.partitions.into_iter().map(partition).collect(),
                lost: status.lost,
                trouble: status.trouble,
            }
        }

        async fn close(&self) {
            self.membership.close().await;
        }
    }
}
