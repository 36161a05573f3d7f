//! One queue, read by one consumer.
//!
//! **Constraints.** A message is given again until it is acknowledged. No more than `prefetch` are given that are not.
//! After any trouble the connection is dropped, and with it all that was given: it comes again.

use std::time::Duration;

use futures::{FutureExt, StreamExt};
use tokio::time::timeout;
use weir_connect::Fault;
use weir_connect::rabbitmq::lapin::message::Delivery;
use weir_connect::rabbitmq::lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicQosOptions, BasicRejectOptions, QueueDeclareOptions,
};
use weir_connect::rabbitmq::lapin::types::{AMQPValue, FieldTable};
use weir_connect::rabbitmq::lapin::{Channel, Consumer};
use weir_connect::rabbitmq::{RabbitAddress, RabbitLink, judged};

use super::settings::{QueueKind, RabbitInputSettings};

/// A consumer's view of one queue.
pub struct Queue {
    address: RabbitAddress,
    settings: RabbitInputSettings,
    open: Option<Open>,
}

struct Open {
    channel: Channel,
    consumer: Consumer,
    _link: RabbitLink,
}

impl Queue {
    /// Made ready, without asking a server for anything.
    pub fn new(address: RabbitAddress, settings: RabbitInputSettings) -> Self {
        Self { address, settings, open: None }
    }

    /// Waits for messages; gives those that are there, in their order. A queue that is missing is made, where that is set.
    pub async fn next(&mut self) -> Result<Vec<Delivery>, Fault> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.within(self.settings.request_timeout, self.connect()).await?,
        };
        let Some(first) = open.consumer.next().await else {
            let RabbitInputSettings { name, queue, .. } = &self.settings;
            tracing::warn!(input = name, queue, "the queue is gone, with what was not read of it");
            return Ok(Vec::new());
        };
        let mut found = vec![first.map_err(|error| judged(&error))?];
        while found.len() < usize::from(self.settings.prefetch)
            && let Some(Some(Ok(delivery))) = open.consumer.next().now_or_never()
        {
            found.push(delivery);
        }
        self.open = Some(open);
        Ok(found)
    }

    /// None of them is given again. Those that are rejected go to the queue's dead-letter exchange, if it has one.
    pub async fn settle(&mut self, given: &[Delivery], rejected: &[u64]) -> Result<(), Fault> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let mut tags = given.iter().map(|delivery| delivery.delivery_tag);
        // What was rejected is not the server's to be acknowledged any more.
        let last = tags.rfind(|tag| !rejected.contains(tag));
        let settling = async {
            for tag in rejected {
                open.channel.basic_reject(*tag, BasicRejectOptions { requeue: false }).await?;
            }
            match last {
                Some(last) => open.channel.basic_ack(last, BasicAckOptions { multiple: true }).await,
                None => Ok(()),
            }
        };
        let settled = async { settling.await.map_err(|error| judged(&error)) };
        self.within(self.settings.request_timeout, settled).await?;
        self.open = Some(open);
        Ok(())
    }

    async fn connect(&self) -> Result<Open, Fault> {
        let RabbitInputSettings { name, queue, prefetch, tls, .. } = &self.settings;
        let link = RabbitLink::open(&self.address, tls, &format!("weir {name}")).await?;
        let channel = link.channel().await?;
        self.see_to_queue(&channel).await?;
        let consumer = async {
            channel.basic_qos(*prefetch, BasicQosOptions::default()).await?;
            let options = BasicConsumeOptions::default();
            channel.basic_consume(queue.as_str().into(), "".into(), options, FieldTable::default()).await
        };
        let consumer = consumer.await.map_err(|error| judged(&error))?;
        Ok(Open { channel, consumer, _link: link })
    }

    /// Makes the queue, or sees whether it is there.
    async fn see_to_queue(&self, channel: &Channel) -> Result<(), Fault> {
        let RabbitInputSettings { queue, declare, .. } = &self.settings;
        let options = QueueDeclareOptions {
            passive: declare.is_none(),
            durable: true,
            ..QueueDeclareOptions::default()
        };
        let mut arguments = FieldTable::default();
        if *declare == Some(QueueKind::Quorum) {
            arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
        }
        let declared = channel.queue_declare(queue.as_str().into(), options, arguments).await;
        match declared.map_err(|error| judged(&error)) {
            Err(Fault::Missing(text)) => Err(Fault::Blocked(format!("{text}; make it, or set `declare`"))),
            other => other.map(drop),
        }
    }

    async fn within<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let late = |_| Err(Fault::Away(format!("{}: no answer within {limit:?}", self.address)));
        timeout(limit, work).await.unwrap_or_else(late)
    }
}
