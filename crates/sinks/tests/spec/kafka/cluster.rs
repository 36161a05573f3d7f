//! Three brokers, of which one is killed.

use std::time::Duration;

use weir_core::testkit::sink::batch;
use weir_sinks::kafka::{CreateTopics, KafkaSettings};

use crate::kafka::server::{Server, page};
use crate::kafka::trouble::bring;
use crate::kafka::{events, start};
use crate::service::{Service, until_all_in_sync};

const SUITE: &str = "Kafka sink against three brokers";

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_of_three_is_killed_and_nothing_is_lost_doubled_or_out_of_order() {
    let Some(services) = Service::start_cluster("kafka", SUITE) else { return };
    let mut server = Server { services };
    let settings = KafkaSettings {
        key: Some("{event}".to_owned()),
        create_topics: Some(CreateTopics { partitions: Some(6), replication: Some(3) }),
        request_timeout: Duration::from_secs(20),
        ..server.settings("t")
    };
    let sink = start(&settings);
    for round in 0..3 {
        let bringing = async {
            for at in (0..10_000).step_by(500).map(|at| at + round * 10_000) {
                bring(&sink, &batch("p", events(at..at + 500))).await;
            }
        };
        let node = &mut server.services[round as usize];
        let striking = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            node.kill9();
        };
        tokio::join!(bringing, striking);
        server.services[round as usize].restart();
        // The next one may be the last that has what the others are still fetching.
        until_all_in_sync(&server.inner_brokers(), server.services.len());
    }
    let seen = server.read("t");
    for key in ["click", "view", "buy"] {
        let of_key = seen.iter().filter(|seen| seen.key.as_deref() == Some(key));
        let pages: Vec<u64> = of_key.map(page).collect();
        assert!(pages.len() == 10_000 && pages.is_sorted_by(|a, b| a < b), "{key}: {}", pages.len());
    }
}
