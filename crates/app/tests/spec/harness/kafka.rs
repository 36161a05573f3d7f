//! Real Kafka nodes, started by the project's own script, and kcat to look into them.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::service::{Service, until_all_in_sync, until_settled};

/// A node, or several of one cluster; their data outlives a restart.
pub struct Kafka(Vec<Service>);

/// A message as kcat shows it.
pub struct Message(Value);

impl Kafka {
    /// `None`, and noted as skipped for this suite, where none can be had.
    #[track_caller]
    pub fn start(suite: &str) -> Option<Self> {
        Some(Self(vec![Service::start("kafka", suite)?]))
    }

    /// Three nodes of one cluster.
    pub fn start_three(suite: &'static str) -> Option<Self> {
        Service::start_cluster("kafka", suite).map(Self)
    }

    pub fn node(&mut self, number: usize) -> &mut Service {
        &mut self.0[number]
    }

    pub fn brokers(&self) -> String {
        let addresses = self.0.iter().map(|node| format!("127.0.0.1:{}", node.port()));
        addresses.collect::<Vec<_>>().join(",")
    }

    /// Waits until every node has what it is to have: the next one to go may be the last that has it.
    pub fn until_in_sync(&self) {
        until_all_in_sync(&self.brokers(), self.0.len());
    }

    /// All that is committed on a topic, of each partition in order. What is no text in it does not come out as it is.
    #[track_caller]
    pub fn read(&self, topic: &str) -> Vec<Message> {
        Self::read_from(&self.brokers(), topic)
    }

    /// The same, by an address.
    #[track_caller]
    pub fn read_from(brokers: &str, topic: &str) -> Vec<Message> {
        let told = kcat(brokers, topic, &["-J"]);
        let text = String::from_utf8_lossy(&told);
        text.lines().map(|line| Message(serde_json::from_str(line).unwrap())).collect()
    }

    /// Shows partition, key and value of all that is committed on a topic, of each partition in order, however much it is.
    #[track_caller]
    pub fn each(&self, topic: &str, mut show: impl FnMut(i64, &str, &str)) {
        let mut kcat =
            reader(&self.brokers(), topic, &["-f", "%p %k %s\n"]).stdout(Stdio::piped()).spawn().unwrap();
        for line in BufReader::new(kcat.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let mut parts = line.splitn(3, ' ');
            let mut next = || parts.next().unwrap();
            show(next().parse().unwrap(), next(), next());
        }
        assert!(kcat.wait().unwrap().success());
    }

    /// The values of all that is committed on a topic, one after the other.
    #[track_caller]
    pub fn values(&self, topic: &str) -> Vec<u8> {
        kcat(&self.brokers(), topic, &["-f", "%s"])
    }
}

#[track_caller]
fn kcat(brokers: &str, topic: &str, form: &[&str]) -> Vec<u8> {
    let output = reader(brokers, topic, form).output().unwrap();
    assert!(output.status.success(), "{topic}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Of all that was committed until now.
fn reader(brokers: &str, topic: &str, form: &[&str]) -> Command {
    until_settled(brokers, topic);
    let mut kcat = Command::new("kcat");
    kcat.args(["-C", "-q", "-e", "-o", "beginning", "-X", "isolation.level=read_committed"]).args(form);
    kcat.args(["-b", brokers, "-t", topic]);
    kcat
}

impl Message {
    pub fn partition(&self) -> i64 {
        self.0["partition"].as_i64().unwrap()
    }

    pub fn key(&self) -> Option<&str> {
        self.0["key"].as_str()
    }

    pub fn text(&self) -> &str {
        self.0["payload"].as_str().unwrap()
    }

    pub fn value(&self) -> Value {
        serde_json::from_str(self.text()).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let pairs = self.0["headers"].as_array()?.chunks(2);
        pairs.filter(|pair| pair[0] == name).find_map(|pair| pair[1].as_str())
    }
}
