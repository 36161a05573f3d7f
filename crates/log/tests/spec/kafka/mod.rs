//! Kafka's partitions as a log, with a real Kafka.

mod group;
mod node;
mod reach;
mod reading;
/// Shared with the sinks' own tests.
#[allow(dead_code, reason = "not all that others do with a server")]
#[path = "../../../../sinks/tests/spec/service.rs"]
mod service;

use std::sync::Arc;
use std::time::Duration;

use weir_core::event::Offset;
use weir_core::log::{EventLog, LogError, Partition, ReadLimit, Slice};
use weir_core::progress::Found;
use weir_log::kafka::{Change, KafkaLog, KafkaSettings, Membership, Seat};

use node::Node;

const SUITE: &str = "Kafka as a log";
const PATIENCE: Duration = Duration::from_secs(60);
const ALL: ReadLimit = ReadLimit { max_events: usize::MAX, max_bytes: usize::MAX };

/// An instance that reads topics as a member of the group `g`.
struct Instance {
    membership: Membership,
    log: Arc<KafkaLog>,
}

impl Instance {
    fn join(node: &Node, topics: &[&str]) -> Self {
        Self::with(KafkaSettings {
            group: "g".to_owned(),
            ..KafkaSettings::new("bus", &node.brokers(), topics)
        })
    }

    fn with(mut settings: KafkaSettings) -> Self {
        // A member that dies is missed soon; a topic that changes is noticed soon.
        for (name, value) in [("session.timeout.ms", "6000"), ("topic.metadata.refresh.interval.ms", "1000")]
        {
            settings.connection.own.insert(name.to_owned(), value.to_owned());
        }
        settings.rules = Vec::new();
        let membership = Membership::start(&settings).unwrap();
        let log = membership.log();
        Self { membership, log }
    }

    async fn next(&self) -> Change {
        tokio::time::timeout(PATIENCE, self.membership.next()).await.expect("a change of partitions").unwrap()
    }

    /// The next partition that is assigned, and what was found of it.
    async fn assigned(&self) -> (Seat, Found) {
        loop {
            if let Change::Assigned(seat) = self.next().await
                && let Some(found) = self.found(&seat).await
            {
                return (seat, found);
            }
        }
    }

    async fn found(&self, seat: &Seat) -> Option<Found> {
        loop {
            match self.membership.find(seat).await {
                Ok(found) => return found,
                Err(LogError::Retry { after, .. }) => tokio::time::sleep(after).await,
                Err(error) => panic!("{error}"),
            }
        }
    }

    async fn read(&self, partition: &Partition, from: u64, limit: ReadLimit) -> Slice {
        loop {
            match self.log.read(partition, Offset(from), limit).await {
                Ok(slice) => {
                    let at_most = from.saturating_add((limit.max_events as u64).max(1));
                    assert!((from..=at_most).contains(&slice.end.0), "{from}, {limit:?}: {}", slice.end);
                    assert!(slice.records.is_sorted_by_key(|record| record.offset));
                    return slice;
                }
                Err(LogError::Retry { after, .. }) => tokio::time::sleep(after).await,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Everything between these offsets, read step by step.
    async fn between(&self, partition: &Partition, from: u64, end: u64, step: usize) -> Slice {
        let mut all = Slice { end: Offset(from), ..Slice::default() };
        while all.end.0 < end {
            let max_events = step.min((end - all.end.0) as usize);
            let slice =
                self.read(partition, all.end.0, ReadLimit { max_events, max_bytes: usize::MAX }).await;
            if slice.end == all.end {
                self.log.wait(partition, all.end).await.unwrap();
            }
            all.records.extend(slice.records);
            all.unreadable.extend(slice.unreadable);
            all.lost.extend(slice.lost);
            all.end = slice.end;
        }
        all
    }
}

/// The numbers in events' bodies.
fn numbers(slice: &Slice) -> Vec<u64> {
    let number = |body: &[u8]| {
        let text = std::str::from_utf8(body).unwrap();
        text.strip_prefix("{\"n\":").unwrap().split(['}', ',']).next().unwrap().parse().unwrap()
    };
    slice.records.iter().map(|record| number(&record.event.body)).collect()
}
