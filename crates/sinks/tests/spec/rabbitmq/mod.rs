//! The RabbitMQ sink, from outside, against a real server.

mod messages;
mod server;
mod trouble;

use std::time::Duration;

use async_trait::async_trait;
use weir_core::event::EventId;
use weir_core::testkit::sink::{Columns, Probe, Reach, contract};
use weir_sinks::rabbitmq::{RabbitSettings, RabbitSink};

use crate::lines::row;
use server::Server;

const SUITE: &str = "RabbitMQ sink against a real server";

fn settings(server: &Server) -> RabbitSettings {
    RabbitSettings { request_timeout: Duration::from_secs(20), ..RabbitSettings::new(server.url(), "events") }
}

fn start(settings: &RabbitSettings) -> RabbitSink {
    RabbitSink::start(settings).unwrap()
}

struct QueueProbe<'a>(&'a Server);

#[async_trait]
impl Probe for QueueProbe<'_> {
    async fn stored(&self) -> Vec<(EventId, Columns)> {
        let messages = self.0.messages("events").await;
        messages.iter().map(|message| row(std::str::from_utf8(&message.data).unwrap())).collect()
    }

    fn tells_duplicates(&self) -> bool {
        false
    }

    fn reach(&self) -> Reach {
        Reach::Nowhere
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_contract_of_a_sink() {
    let Some(server) = Server::start(SUITE, &[]) else { return };
    server.make_queue("events", &[]).await;
    contract(&start(&settings(&server)), &QueueProbe(&server)).await;
}
