//! Bare clients of librdkafka's, for `benches/g.sh` and `benches/i.sh` to divide by. Each prints how many messages a second.
//!
//! - `kafka_plain send BROKERS TOPIC BATCH`: a producer by the sink's settings sends the messages of a topic, ready made, to
//!   one like it, in transactions of so many, as the sink sends its batches; with 0, without transactions. Deletes both.
//! - `kafka_plain receive BROKERS TOPIC`: a consumer receives all of a topic, and does nothing with it.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement at a terminal")]

use std::thread::sleep;
use std::time::{Duration, Instant};

use weir_kafka::rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use weir_kafka::rdkafka::client::DefaultClientContext;
use weir_kafka::rdkafka::consumer::{BaseConsumer, Consumer};
use weir_kafka::rdkafka::error::{KafkaError, RDKafkaErrorCode};
use weir_kafka::rdkafka::message::{BorrowedMessage, Message, OwnedMessage};
use weir_kafka::rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use weir_kafka::rdkafka::{ClientConfig, Offset, TopicPartitionList};

const REACHED_WITHIN: Duration = Duration::from_secs(30);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["send", brokers, topic, batch] => {
            println!("{:.0}", send_again(config(brokers), topic, batch.parse().unwrap()));
        }
        ["receive", brokers, topic] => println!("{:.0}", receive(config(brokers), topic)),
        _ => panic!("kafka_plain send BROKERS TOPIC BATCH | receive BROKERS TOPIC"),
    }
}

fn config(brokers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers);
    config
}

fn send_again(config: ClientConfig, topic: &str, batch: usize) -> f64 {
    let mut ready = Vec::new();
    let partitions = read(config.clone(), topic, |message| ready.push(message.detach()));
    let plain = format!("{topic}-plain");
    let admin: AdminClient<DefaultClientContext> = config.create().unwrap();
    let (runtime, options) = (tokio::runtime::Runtime::new().unwrap(), AdminOptions::new());
    let new = NewTopic::new(&plain, partitions, TopicReplication::Fixed(-1));
    for made in runtime.block_on(admin.create_topics([&new], &options)).unwrap() {
        made.unwrap();
    }
    let rate = send(config, &plain, &ready, batch);
    for gone in runtime.block_on(admin.delete_topics(&[topic, &plain], &options)).unwrap() {
        gone.unwrap();
    }
    rate
}

/// From the first message on: how the client comes to the broker is not measured.
fn receive(config: ClientConfig, topic: &str) -> f64 {
    let (mut begun, mut count) = (None, 0_u32);
    read(config, topic, |_| {
        begun.get_or_insert_with(Instant::now);
        count += 1;
    });
    f64::from(count) / begun.unwrap().elapsed().as_secs_f64()
}

/// Shows all that is committed; of how many partitions.
fn read(mut config: ClientConfig, topic: &str, mut show: impl FnMut(BorrowedMessage<'_>)) -> i32 {
    config.set("group.id", "plain").set("enable.auto.commit", "false");
    config.set("isolation.level", "read_committed").set("enable.partition.eof", "true");
    let consumer: BaseConsumer = config.create().unwrap();
    let metadata = consumer.fetch_metadata(Some(topic), REACHED_WITHIN).unwrap();
    let partitions = i32::try_from(metadata.topics()[0].partitions().len()).unwrap();
    let mut wanted = TopicPartitionList::new();
    for partition in 0..partitions {
        wanted.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&wanted).unwrap();
    let mut ended = 0;
    while ended < partitions {
        match consumer.poll(REACHED_WITHIN).unwrap() {
            Ok(message) => show(message),
            Err(KafkaError::PartitionEOF(_)) => ended += 1,
            Err(error) => panic!("{error}"),
        }
    }
    partitions
}

fn send(mut config: ClientConfig, topic: &str, ready: &[OwnedMessage], batch: usize) -> f64 {
    config.set("acks", "all").set("enable.idempotence", "true").set("linger.ms", "50");
    config.set("partitioner", "murmur2_random").set("queue.buffering.max.kbytes", "65536");
    if batch > 0 {
        config.set("transactional.id", "plain");
    }
    let producer: ThreadedProducer<DefaultProducerContext> = config.create().unwrap();
    // Connecting is not measured.
    producer.client().fetch_metadata(Some(topic), REACHED_WITHIN).unwrap();
    if batch > 0 {
        producer.init_transactions(REACHED_WITHIN).unwrap();
    }
    let begun = Instant::now();
    match batch {
        0 => enqueue(&producer, topic, ready),
        _ => ready.chunks(batch).for_each(|batch| {
            producer.begin_transaction().unwrap();
            enqueue(&producer, topic, batch);
            producer.commit_transaction(REACHED_WITHIN).unwrap();
        }),
    }
    producer.flush(REACHED_WITHIN).unwrap();
    ready.len() as f64 / begun.elapsed().as_secs_f64()
}

fn enqueue(producer: &ThreadedProducer<DefaultProducerContext>, topic: &str, ready: &[OwnedMessage]) {
    for message in ready {
        let mut record = BaseRecord::to(topic);
        (record.payload, record.key) = (message.payload(), message.key());
        record.headers = message.headers().cloned();
        while let Err((error, back)) = producer.send(record) {
            assert_eq!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull));
            sleep(Duration::from_micros(200));
            record = back;
        }
    }
}
