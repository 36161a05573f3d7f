//! A real RabbitMQ, started by the project's own script and read by amqp-tools.

use std::ops::{Deref, DerefMut};
use std::process::{Command, Output};

use serde_json::Value;

use super::service::Service;

/// `amqp-get` found nothing.
const EMPTY: i32 = 2;

/// The server; what is durable in it outlives a restart.
pub struct RabbitMq(Service);

impl RabbitMq {
    /// `None`, and noted as skipped for this suite, where none can be had.
    #[track_caller]
    pub fn start(suite: &str) -> Option<Self> {
        Service::start_with("rabbitmq", suite, &[]).map(Self)
    }

    /// Its address, with user and password.
    pub fn url(&self) -> String {
        format!("amqp://weir:weir-password@127.0.0.1:{}", self.port())
    }

    /// Makes a durable queue.
    #[track_caller]
    pub fn make_queue(&self, name: &str) {
        let output = self.run("amqp-declare-queue", &["--durable", "--queue", name]);
        assert!(output.status.success(), "{output:?}");
    }

    /// What a message holds of what is in the queue, which is empty afterwards.
    #[track_caller]
    pub fn take_events(&self, queue: &str) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let output = self.run("amqp-get", &["--queue", queue]);
            if output.status.code() == Some(EMPTY) {
                return events;
            }
            assert!(output.status.success(), "{output:?}");
            events.push(serde_json::from_slice(&output.stdout).unwrap());
        }
    }

    /// Puts a message into a queue that is there.
    #[track_caller]
    pub fn publish(&self, queue: &str, body: &str) {
        let output = self.run("amqp-publish", &["--persistent", "--routing-key", queue, "--body", body]);
        assert!(output.status.success(), "{output:?}");
    }

    fn run(&self, program: &str, options: &[&str]) -> Output {
        Command::new(program).args(["--url", &self.url()]).args(options).output().unwrap()
    }
}

impl Deref for RabbitMq {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.0
    }
}

impl DerefMut for RabbitMq {
    fn deref_mut(&mut self) -> &mut Service {
        &mut self.0
    }
}
