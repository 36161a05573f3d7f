//! A real node, started by the project's own script, and a plain client to write with.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use weir_kafka::rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use weir_kafka::rdkafka::client::DefaultClientContext;
use weir_kafka::rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use weir_kafka::rdkafka::util::Timeout;
use weir_kafka::rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::service::Service;

const WITHIN: Duration = Duration::from_secs(30);

/// A node of its own; it ends with the test.
pub struct Node(Service);

impl Node {
    /// `None`, and noted as skipped, where none can be had.
    pub fn start(suite: &str) -> Option<Self> {
        Service::start("kafka", suite).map(Self)
    }

    pub fn brokers(&self) -> String {
        format!("127.0.0.1:{}", self.port())
    }

    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.brokers());
        config
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.config().create().unwrap()
    }

    pub async fn make(&self, topic: &str, partitions: i32) {
        let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        let made = self.admin().create_topics([&new], &AdminOptions::new()).await.unwrap();
        assert!(made.iter().all(Result::is_ok), "{made:?}");
    }

    pub async fn grow(&self, topic: &str, partitions: usize) {
        let new = NewPartitions::new(topic, partitions);
        let grown = self.admin().create_partitions([&new], &AdminOptions::new()).await.unwrap();
        assert!(grown.iter().all(Result::is_ok), "{grown:?}");
    }

    pub async fn delete(&self, topic: &str) {
        let gone = self.admin().delete_topics(&[topic], &AdminOptions::new()).await.unwrap();
        assert!(gone.iter().all(Result::is_ok), "{gone:?}");
    }

    /// As retention would: everything before this offset is gone.
    pub async fn trim(&self, topic: &str, before: i64) {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, 0, Offset::Offset(before)).unwrap();
        self.admin().delete_records(&list, &AdminOptions::new()).await.unwrap();
    }

    /// Sends `{"n":N}` for each number to the partition, in order.
    pub async fn send(&self, topic: &str, partition: i32, numbers: std::ops::Range<u64>) {
        let values = numbers.map(|number| format!("{{\"n\":{number}}}"));
        self.send_values(topic, partition, values).await;
    }

    pub async fn send_values(&self, topic: &str, partition: i32, values: impl IntoIterator<Item = String>) {
        let producer: FutureProducer = self.config().set("enable.idempotence", "true").create().unwrap();
        send(&producer, topic, partition, values).await;
    }

    /// A producer that writes in transactions.
    pub fn transactional(&self) -> FutureProducer {
        let producer: FutureProducer = self.config().set("transactional.id", "t").create().unwrap();
        producer.init_transactions(WITHIN).unwrap();
        producer
    }
}

pub async fn send(
    producer: &FutureProducer,
    topic: &str,
    partition: i32,
    values: impl IntoIterator<Item = String>,
) {
    let mut under_way = Vec::new();
    for value in values {
        let record = FutureRecord::<(), _>::to(topic).partition(partition).payload(&value);
        under_way.push(producer.send_result(record).map_err(|(error, _)| error).unwrap());
    }
    for delivery in under_way {
        delivery.await.unwrap().map_err(|(error, _)| error).unwrap();
    }
    producer.flush(Timeout::After(WITHIN)).unwrap();
}

impl Deref for Node {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.0
    }
}

impl DerefMut for Node {
    fn deref_mut(&mut self) -> &mut Service {
        &mut self.0
    }
}
