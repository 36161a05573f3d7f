//! A real Kafka and somebody else who writes to it: kcat, which knows nothing of Weir.

use std::io::Write;
use std::ops::{Deref, DerefMut};
use std::process::{Command, Stdio};

use super::service::Service;

/// A node whose topics are made by being written to, each with three partitions.
pub struct Topics(Service);

impl Topics {
    /// `None`, and noted as skipped for this suite, where none can be had.
    #[track_caller]
    pub fn start(suite: &str) -> Option<Self> {
        let settings = ["auto.create.topics.enable=true", "num.partitions=3", "message.max.bytes=16777216"];
        let options: Vec<&str> = settings.iter().flat_map(|setting| ["--set", setting]).collect();
        Service::start_with("kafka", suite, &options).map(Self)
    }

    pub fn brokers(&self) -> String {
        format!("127.0.0.1:{}", self.port())
    }

    /// One message a line; waits until the broker has them.
    #[track_caller]
    pub fn write(&self, topic: &str, lines: &[String]) {
        assert!(self.try_write(topic, &[], lines.join("\n").as_bytes()), "kcat could not write");
    }

    /// The same, told how; whether the broker has them.
    pub fn try_write(&self, topic: &str, options: &[&str], input: &[u8]) -> bool {
        Self::write_to(&self.brokers(), topic, options, input)
    }

    /// The same, by an address.
    pub fn write_to(brokers: &str, topic: &str, options: &[&str], input: &[u8]) -> bool {
        let mut kcat = Command::new("kcat");
        kcat.args(["-P", "-b", brokers, "-t", topic, "-X", "message.max.bytes=16777216"]).args(options);
        kcat.args(["-X", "enable.idempotence=true"]).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = kcat.stderr(Stdio::null()).spawn().unwrap();
        let written = child.stdin.take().unwrap().write_all(input);
        child.wait().unwrap().success() && written.is_ok()
    }
}

impl Deref for Topics {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.0
    }
}

impl DerefMut for Topics {
    fn deref_mut(&mut self) -> &mut Service {
        &mut self.0
    }
}
