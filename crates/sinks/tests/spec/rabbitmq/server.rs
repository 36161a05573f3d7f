//! A real RabbitMQ, started by the project's own script; read by a plain client, or by channels of AMQP past the sink.

use std::ops::{Deref, DerefMut};
use std::process::Command;

use weir_connect::rabbitmq::lapin::message::BasicGetMessage;
use weir_connect::rabbitmq::lapin::options::{BasicGetOptions, QueueBindOptions, QueueDeclareOptions};
use weir_connect::rabbitmq::lapin::types::{AMQPValue, FieldTable};
use weir_connect::rabbitmq::{RabbitAddress, RabbitLink};
use weir_connect::tls::TlsSettings;

use crate::service::Service;

pub struct Server(Service);

impl Server {
    /// `None`, and noted as skipped, where none can be had.
    #[track_caller]
    pub fn start(suite: &str, options: &[&str]) -> Option<Self> {
        Service::start_with("rabbitmq", suite, options).map(Self)
    }

    pub fn url(&self) -> String {
        format!("amqp://weir:weir-password@127.0.0.1:{}", self.port())
    }

    /// The next message's body, as a plain client takes it away.
    #[track_caller]
    pub fn take(&self, queue: &str) -> String {
        let output =
            Command::new("amqp-get").args(["--url", &self.url(), "--queue", queue]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// All that the queue holds, and goes on holding.
    pub async fn messages(&self, queue: &str) -> Vec<BasicGetMessage> {
        let link = self.link().await;
        let channel = link.channel().await.unwrap();
        let mut messages = Vec::new();
        while let Some(message) = channel.basic_get(queue.into(), BasicGetOptions::default()).await.unwrap() {
            messages.push(message);
        }
        channel.close(200, "read".into()).await.unwrap();
        messages
    }

    /// Makes a durable queue.
    pub async fn make_queue(&self, name: &str, arguments: &[(&str, AMQPValue)]) {
        let mut table = FieldTable::default();
        for (name, value) in arguments {
            table.insert((*name).into(), value.clone());
        }
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        let link = self.link().await;
        link.channel().await.unwrap().queue_declare(name.into(), options, table).await.unwrap();
    }

    pub async fn bind(&self, queue: &str, exchange: &str, routing_key: &str) {
        let (options, table) = (QueueBindOptions::default(), FieldTable::default());
        let link = self.link().await;
        let channel = link.channel().await.unwrap();
        channel.queue_bind(queue.into(), exchange.into(), routing_key.into(), options, table).await.unwrap();
    }

    pub async fn link(&self) -> RabbitLink {
        let address = RabbitAddress::parse(&self.url(), None).unwrap();
        RabbitLink::open(&address, &TlsSettings::default(), "spec").await.unwrap()
    }
}

impl Deref for Server {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.0
    }
}

impl DerefMut for Server {
    fn deref_mut(&mut self) -> &mut Service {
        &mut self.0
    }
}
