//! Partitions are shared out, and whoever has lost one commits nothing any more.

use std::collections::BTreeSet;

use weir_core::event::Offset;
use weir_core::progress::{Commit, CommitError, Committer};
use weir_log::kafka::{Change, KafkaSettings};

use super::node::Node;
use super::{Instance, PATIENCE, SUITE, numbers};

fn commit(offset: u64, metadata: &str) -> Commit {
    Commit { offset: Offset(offset), metadata: metadata.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_committed_is_found_by_whoever_comes_next() {
    let Some(node) = Node::start(SUITE) else { return };
    node.make("t", 1).await;
    node.send("t", 0, 0..10).await;
    let one = Instance::join(&node, &["t"]);
    let (seat, found) = one.assigned().await;
    assert_eq!(found.commit, None);
    let committer = one.membership.committer(&seat);
    let long = format!("weir:1:x:{}", "a=1;".repeat(800));
    committer.commit(commit(3, &long)).await.unwrap();
    committer.commit(commit(7, "weir:1:y:a=0")).await.unwrap();
    assert_eq!(one.membership.status().partitions[0].committed, Some(7));
    assert_eq!(one.membership.status().partitions[0].lag(), 3);
    one.membership.close().await;
    let late = committer.commit(commit(9, "weir:1:z:a=0")).await;
    assert!(matches!(late, Err(CommitError::Fenced(_))), "{late:?}");

    let other = Instance::join(&node, &["t"]);
    let (_, found) = other.assigned().await;
    assert_eq!(found.commit, Some(commit(7, "weir:1:y:a=0")));
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_go_where_they_are_assigned_and_an_old_assignment_is_fenced() {
    let Some(node) = Node::start(SUITE) else { return };
    for strategy in ["cooperative-sticky", "range"] {
        let topic = format!("t-{strategy}");
        node.make(&topic, 4).await;
        let settings = || {
            let mut settings = KafkaSettings::new("bus", &node.brokers(), &[&topic]);
            settings.group = format!("g-{strategy}");
            settings.connection.own.insert("partition.assignment.strategy".to_owned(), strategy.to_owned());
            settings
        };
        let one = Instance::with(settings());
        let mut seats = Vec::new();
        for _ in 0..4 {
            seats.push(one.assigned().await.0);
        }
        let other = Instance::with(settings());
        let (seat, _) = other.assigned().await;
        let zombie = seats.iter().find(|old| old.partition == seat.partition).unwrap();
        assert!(!one.membership.holds(zombie), "by {strategy}");
        let refused = one.membership.committer(zombie).commit(commit(0, "zombie")).await;
        assert!(matches!(refused, Err(CommitError::Fenced(_))), "{refused:?}");
        other.membership.committer(&seat).commit(commit(0, "rightful")).await.unwrap();

        // It leaves, and everything comes back.
        other.membership.close().await;
        let mut held = BTreeSet::new();
        while held.len() < 4 {
            match one.next().await {
                Change::Assigned(seat) => drop(held.insert(seat.partition.clone())),
                Change::Revoked(partition) => drop(held.remove(&partition)),
            }
            held.extend(
                seats.iter().filter(|seat| one.membership.holds(seat)).map(|seat| seat.partition.clone()),
            );
        }
        one.membership.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_partitions_and_topics_are_taken_up_and_a_deleted_topic_goes() {
    let Some(node) = Node::start(SUITE) else { return };
    node.make("t-1", 1).await;
    let instance = Instance::join(&node, &["^t-.*"]);
    let (seat, _) = instance.assigned().await;
    assert_eq!(&*seat.partition.0, "kafka:bus/t-1/0");
    node.send("t-1", 0, 0..5).await;
    node.grow("t-1", 2).await;
    node.send("t-1", 1, 5..8).await;
    let (seat, found) = instance.assigned().await;
    assert_eq!((&*seat.partition.0, found.otherwise), ("kafka:bus/t-1/1", Offset(0)));
    assert_eq!(numbers(&instance.between(&seat.partition, 0, 3, 9).await), [5, 6, 7]);
    node.make("t-2", 1).await;
    let (seat, _) = instance.assigned().await;
    assert_eq!(&*seat.partition.0, "kafka:bus/t-2/0");
    node.delete("t-1").await;
    let mut gone = BTreeSet::new();
    while gone.len() < 2 {
        if let Change::Revoked(partition) = instance.next().await {
            gone.insert(partition.to_string());
        }
    }
    assert_eq!(gone.into_iter().collect::<Vec<_>>(), ["kafka:bus/t-1/0", "kafka:bus/t-1/1"]);
    let left = tokio::time::timeout(PATIENCE, instance.found(&seat)).await.unwrap();
    assert!(left.is_some(), "the other topic stays");
}
