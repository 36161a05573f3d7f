//! A real node, started by the project's own script, and kcat to look into it.

use std::process::Command;
use std::time::Duration;

use serde::Deserialize;
use weir_kafka::rdkafka::ClientConfig;
use weir_kafka::rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use weir_kafka::rdkafka::client::DefaultClientContext;
use weir_sinks::kafka::KafkaSettings;

use crate::service::{Service, until_settled};

/// A node, or several of one cluster, and what has to be ended with them.
pub struct Server {
    pub services: Vec<Service>,
}

/// A message as kcat shows it.
#[derive(Debug, Deserialize)]
pub struct Seen {
    pub partition: i32,
    pub key: Option<String>,
    pub headers: Vec<String>,
    pub payload: Option<String>,
}

impl Seen {
    pub fn value(&self) -> &str {
        self.payload.as_deref().unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().find(|(header, _)| *header == name).map(|(_, value)| value)
    }

    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.chunks(2).map(|pair| (pair[0].as_str(), pair[1].as_str()))
    }
}

impl Server {
    /// `None`, and noted as skipped, where none can be had.
    pub fn start(suite: &str) -> Option<Self> {
        Self::start_with(suite, &[])
    }

    pub fn start_with(suite: &str, options: &[&str]) -> Option<Self> {
        Some(Self { services: vec![Service::start_with("kafka", suite, options)?] })
    }

    pub fn brokers(&self) -> String {
        let addresses = self.services.iter().map(|service| format!("127.0.0.1:{}", service.port()));
        addresses.collect::<Vec<_>>().join(",")
    }

    /// The nodes' own door, which asks nobody who he is.
    pub fn inner_brokers(&self) -> String {
        let addresses = self.services.iter().map(|service| format!("127.0.0.2:{}", service.port() + 1));
        addresses.collect::<Vec<_>>().join(",")
    }

    pub fn settings(&self, topic: &str) -> KafkaSettings {
        KafkaSettings {
            topic: topic.to_owned(),
            request_timeout: Duration::from_secs(20),
            ..KafkaSettings::new(self.brokers())
        }
    }

    /// Makes a topic with these settings of its own.
    pub async fn make(&self, topic: &str, partitions: i32, settings: &[(&str, &str)]) {
        let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(-1));
        let new = settings.iter().fold(new, |new, (name, value)| new.set(name, value));
        let made = self.admin().create_topics([&new], &AdminOptions::new()).await.unwrap();
        assert!(made.iter().all(Result::is_ok), "{made:?}");
    }

    pub async fn delete(&self, topic: &str) {
        let gone = self.admin().delete_topics(&[topic], &AdminOptions::new()).await.unwrap();
        assert!(gone.iter().all(Result::is_ok), "{gone:?}");
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        ClientConfig::new().set("bootstrap.servers", self.inner_brokers()).create().unwrap()
    }

    /// All that is committed, by partition and offset.
    pub fn read(&self, topic: &str) -> Vec<Seen> {
        until_settled(&self.inner_brokers(), topic);
        let isolation = "isolation.level=read_committed";
        let output = Command::new("kcat")
            .args(["-C", "-q", "-e", "-J", "-o", "beginning", "-X", isolation, "-X", "check.crcs=true"])
            .args(["-b", &self.inner_brokers(), "-t", topic])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let mut seen: Vec<Seen> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        // Of one partition they come in order.
        seen.sort_by_key(|seen| seen.partition);
        seen
    }

    /// The pages of the events on the topic, in order of the numbers in them.
    pub fn pages(&self, topic: &str) -> Vec<u64> {
        let mut pages: Vec<u64> = self.read(topic).iter().map(page).collect();
        pages.sort_unstable();
        pages
    }
}

/// The number in an event's page.
pub fn page(seen: &Seen) -> u64 {
    let event: serde_json::Value = serde_json::from_str(seen.value()).unwrap();
    event["page"].as_str().unwrap()[1..].parse().unwrap()
}
