//! What a partition holds is read, and read again, whoever else reads it and wherever.

use std::collections::BTreeSet;
use std::time::Duration;

use weir_core::event::{Offset, Stream};
use weir_core::log::{EventLog, PassedOver, ReadLimit};
use weir_core::streams::Streams;
use weir_core::time::Timestamp;
use weir_kafka::rdkafka::producer::Producer;
use weir_log::kafka::KafkaSettings;

use super::node::{Node, send};
use super::{ALL, Instance, PATIENCE, SUITE, numbers};

#[tokio::test(flavor = "multi_thread")]
async fn a_range_is_the_same_however_it_is_read_and_however_often() {
    let Some(node) = Node::start(SUITE) else { return };
    node.make("t", 1).await;
    node.send("t", 0, 0..1_000).await;
    let instance = Instance::join(&node, &["t"]);
    let (seat, found) = instance.assigned().await;
    assert_eq!((&*seat.partition.0, found.commit, found.end.0), ("kafka:bus/t/0", None, 1_000));
    let partition = &seat.partition;
    for step in [1_000, 7, 250] {
        let all = instance.between(partition, 0, 1_000, step).await;
        assert_eq!(numbers(&all), (0..1_000).collect::<Vec<_>>());
    }
    for (from, end) in [(900, 950), (0, 1), (333, 777), (0, 1)] {
        assert_eq!(
            numbers(&instance.between(partition, from, end, 100).await),
            (from..end).collect::<Vec<_>>()
        );
    }
    let one = instance.read(partition, 5, ReadLimit { max_events: 0, max_bytes: 0 }).await;
    assert_eq!((numbers(&one), one.end), (vec![5], Offset(6)));
    let at_end = instance.read(partition, 1_000, ALL).await;
    assert_eq!((at_end.records.len(), at_end.end), (0, Offset(1_000)));

    // By another instance it is the same, ids and times included.
    let first = instance.between(partition, 0, 1_000, 1_000).await;
    instance.membership.close().await;
    let other = Instance::join(&node, &["t"]);
    let (seat, _) = other.assigned().await;
    assert_eq!(other.between(&seat.partition, 0, 1_000, 999).await.records, first.records);
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_ends_when_something_comes_and_a_time_is_found() {
    let Some(node) = Node::start(SUITE) else { return };
    node.make("t", 1).await;
    let instance = Instance::join(&node, &["t"]);
    let (seat, found) = instance.assigned().await;
    assert_eq!((found.end, found.otherwise), (Offset(0), Offset(0)));
    let waiting = instance.log.wait(&seat.partition, Offset(0));
    let sending = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        node.send("t", 0, 0..3).await;
    };
    let (waited, ()) = tokio::time::timeout(PATIENCE, futures::future::join(waiting, sending)).await.unwrap();
    waited.unwrap();
    let seen = instance.between(&seat.partition, 0, 3, 9).await;
    assert_eq!(numbers(&seen), [0, 1, 2]);

    let after = Timestamp::from_micros(seen.records[2].received_at.as_micros() + 1_000);
    tokio::time::sleep(Duration::from_millis(20)).await;
    node.send("t", 0, 3..5).await;
    assert_eq!(instance.log.seek(&seat.partition, after).await.unwrap(), Offset(3));
    assert_eq!(instance.log.seek(&seat.partition, Timestamp::from_micros(0)).await.unwrap(), Offset(0));
    assert_eq!(
        instance.log.seek(&seat.partition, Timestamp::from_micros(i64::MAX)).await.unwrap(),
        Offset(5)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn marks_of_transactions_and_what_was_aborted_are_no_events_and_no_losses() {
    let Some(node) = Node::start(SUITE) else { return };
    node.make("t", 1).await;
    let producer = node.transactional();
    let values = |numbers: std::ops::Range<u64>| numbers.map(|number| format!("{{\"n\":{number}}}"));
    producer.begin_transaction().unwrap();
    send(&producer, "t", 0, values(0..10)).await;
    producer.commit_transaction(PATIENCE).unwrap();
    producer.begin_transaction().unwrap();
    send(&producer, "t", 0, values(10..20)).await;
    producer.abort_transaction(PATIENCE).unwrap();

    let instance = Instance::join(&node, &["t"]);
    let (seat, found) = instance.assigned().await;
    // Ten, a mark, ten, a mark.
    assert_eq!(found.end, Offset(22));
    let partition = &seat.partition;
    let all = instance.between(partition, 0, 22, 100).await;
    assert_eq!((numbers(&all), all.lost.len(), all.end), ((0..10).collect(), 0, Offset(22)));
    let none = instance.between(partition, 11, 21, 3).await;
    assert_eq!((none.records.len(), none.end), (0, Offset(21)));

    // What is not committed is not there.
    producer.begin_transaction().unwrap();
    send(&producer, "t", 0, values(20..25)).await;
    let nothing = instance.read(partition, 22, ALL).await;
    assert_eq!((nothing.records.len(), nothing.end), (0, Offset(22)));
    producer.commit_transaction(PATIENCE).unwrap();
    let committed = instance.between(partition, 22, 27, 100).await;
    assert_eq!(numbers(&committed), (20..25).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_reads_at_its_own_place_however_far_behind_the_others() {
    let Some(node) = Node::start(SUITE) else { return };
    node.make("t", 1).await;
    let count = 4_000;
    let padded = |number: u64| format!("{{\"n\":{number},\"x\":\"{}\"}}", "x".repeat(2_000));
    node.send_values("t", 0, (0..count).map(padded)).await;
    // The window holds a hundredth of it.
    let settings = KafkaSettings::new("bus", &node.brokers(), &["t"]);
    let settings = KafkaSettings { group: "g".to_owned(), window_max_bytes: 1, ..settings };
    let instance = Instance::with(settings);
    let (seat, _) = instance.assigned().await;
    let partition = &seat.partition;
    let (quick, slow, slowest) = tokio::join!(
        instance.between(partition, 0, count, 1_000),
        instance.between(partition, 0, count, 50),
        instance.between(partition, 500, count, 20),
    );
    for (slice, first) in [(quick, 0), (slow, 0), (slowest, 500)] {
        assert_eq!(numbers(&slice), (first..count).collect::<Vec<_>>());
    }
    assert_eq!(numbers(&instance.between(partition, 0, 300, 300).await), (0..300).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_nothing_waits_until_another_has_read_and_not_for_ever() {
    let Some(node) = Node::start(SUITE) else { return };
    node.make("t", 1).await;
    node.send("t", 0, 0..100).await;
    let instance = Instance::join(&node, &["t"]);
    let (seat, _) = instance.assigned().await;
    let (log, partition) = (&instance.log, &seat.partition);
    let (soon, nothing) = (Duration::from_millis(50), Streams::Named(BTreeSet::new()));
    let passed = |from, patience| log.passed_over(partition, Offset(from), &nothing, patience);
    assert_eq!(passed(0, soon).await, None, "nobody has read anything");
    let (passed_over, _) = tokio::join!(passed(0, PATIENCE), instance.between(partition, 0, 100, 100));
    assert!(passed_over.is_some_and(|passed| passed.end > Offset(0)));
    let (end, of_stream) = (Offset(100), (Stream::new("events").unwrap(), 97));
    assert_eq!(passed(3, soon).await, Some(PassedOver { end, events: Some([of_stream].into()) }));
    assert_eq!(passed(100, soon).await, None, "nothing stands there");
    let of_all = log.passed_over(partition, Offset(3), &Streams::All, soon).await;
    assert_eq!(of_all.map(|passed| passed.end), Some(Offset(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_retention_took_is_told_as_lost_and_reading_goes_on() {
    let Some(node) = Node::start(SUITE) else { return };
    node.make("t", 1).await;
    node.send("t", 0, 0..100).await;
    let instance = Instance::join(&node, &["t"]);
    let (seat, _) = instance.assigned().await;
    let partition = &seat.partition;
    assert_eq!(numbers(&instance.between(partition, 0, 10, 10).await).len(), 10);
    node.trim("t", 60).await;

    let again = instance.between(partition, 0, 100, 25).await;
    let lost: Vec<_> = again.lost.iter().map(|lost| (lost.count, lost.reason)).collect();
    assert_eq!(numbers(&again).last(), Some(&99));
    let told: u64 = lost.iter().map(|(count, _)| count).sum();
    // What stands in the window is there still.
    assert_eq!(told + again.records.len() as u64, 100);
    let beyond = instance.between(partition, 30, 60, 10).await;
    assert!(beyond.lost.iter().all(|lost| lost.reason == "retention_passed"), "{lost:?}");

    // Who comes anew has none of it.
    instance.membership.close().await;
    let other = Instance::join(&node, &["t"]);
    let (seat, found) = other.assigned().await;
    assert_eq!((found.otherwise, found.end), (Offset(60), Offset(100)));
    let from_the_start = other.between(&seat.partition, 0, 100, 45).await;
    let lost: Vec<_> = from_the_start.lost.iter().map(|lost| lost.count).collect();
    assert_eq!((lost, numbers(&from_the_start)), (vec![45, 15], (60..100).collect()));
    assert_eq!(other.membership.status().lost, 60);
    other.between(&seat.partition, 0, 60, 60).await;
    assert_eq!(other.membership.status().lost, 60, "counted once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_away_is_waited_for() {
    let Some(mut node) = Node::start(SUITE) else { return };
    node.make("t", 1).await;
    node.send("t", 0, 0..10).await;
    let instance = Instance::join(&node, &["t"]);
    let (seat, _) = instance.assigned().await;
    assert_eq!(numbers(&instance.between(&seat.partition, 0, 10, 10).await).len(), 10);
    node.kill9();
    let troubled = async {
        while instance.membership.status().trouble.is_none() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, troubled).await.expect("it says what is wrong");
    node.restart();
    node.send("t", 0, 10..20).await;
    let seen = tokio::time::timeout(PATIENCE, instance.between(&seat.partition, 0, 20, 100)).await.unwrap();
    assert_eq!(numbers(&seen), (0..20).collect::<Vec<_>>());
    let well = async {
        while instance.membership.status().trouble.is_some() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, well).await.expect("and that it is over");
}
