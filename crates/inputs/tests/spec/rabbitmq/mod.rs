//! A queue of RabbitMQ, as a consumer reads it.

mod given;
#[allow(dead_code, reason = "each of those who share it needs another part")]
#[path = "../../../../sinks/tests/spec/rabbitmq/server.rs"]
mod server;
mod trouble;

use std::process::Command;
use std::time::{Duration, Instant};

use weir_connect::Fault;
use weir_inputs::rabbitmq::{Delivery, Queue, QueueKind, RabbitInputSettings};

use server::Server;

const SUITE: &str = "RabbitMQ input against a real server";
const SOON: Duration = Duration::from_secs(60);

fn settings(server: &Server) -> RabbitInputSettings {
    RabbitInputSettings {
        declare: Some(QueueKind::Classic),
        request_timeout: Duration::from_secs(10),
        ..RabbitInputSettings::new("spec", server.url(), "events")
    }
}

fn reader(settings: &RabbitInputSettings) -> Queue {
    Queue::new(settings.address().unwrap(), settings.clone())
}

/// As a plain client does it.
#[track_caller]
fn publish(server: &Server, body: &str) {
    let options = ["--url", &server.url(), "--routing-key", "events", "--persistent", "--body", body];
    let output = Command::new("amqp-publish").args(options).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

fn bodies(given: &[Delivery]) -> Vec<String> {
    given.iter().map(|one| String::from_utf8(one.data.clone()).unwrap()).collect()
}

/// So many, however they come, from a server that may still be starting.
async fn take(queue: &mut Queue, count: usize) -> Vec<Delivery> {
    let (mut taken, deadline) = (Vec::new(), Instant::now() + SOON);
    while taken.len() < count {
        assert!(Instant::now() < deadline, "only {} are given", taken.len());
        match tokio::time::timeout(SOON, queue.next()).await.unwrap() {
            Err(Fault::Away(_)) => {}
            given => taken.extend(given.unwrap()),
        }
    }
    taken
}
