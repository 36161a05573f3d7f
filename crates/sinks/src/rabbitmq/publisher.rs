//! Publishes messages and waits until the server has confirmed each.
//!
//! **Constraint.** A channel serves one batch at a time: what the server returns is found among the batch's own messages
//! by its id, as neither the order of confirmations nor the client's pairing says which it was.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::join_all;
use weir_connect::Fault;
use weir_connect::rabbitmq::lapin::options::{
    BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions,
};
use weir_connect::rabbitmq::lapin::types::{FieldTable, ShortString};
use weir_connect::rabbitmq::lapin::{Channel, Confirmation, Error, ExchangeKind};
use weir_connect::rabbitmq::{RabbitAddress, RabbitLink, judged};

use super::message::Message;
use crate::tls::TlsSettings;

/// What became of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The server has it, on disk where the queue is durable.
    Confirmed,
    /// No queue is bound that would take it.
    Unroutable(String),
    /// Not now.
    Failed(Fault),
}

pub(super) struct Publisher {
    pub address: RabbitAddress,
    pub tls: TlsSettings,
    pub exchange: String,
    pub declare: Option<String>,
    open: tokio::sync::Mutex<Option<Arc<Open>>>,
}

/// A connection, with channels that nobody uses now.
struct Open {
    link: RabbitLink,
    idle: Mutex<Vec<Channel>>,
}

impl Publisher {
    pub fn new(address: RabbitAddress, tls: TlsSettings, exchange: String, declare: Option<String>) -> Self {
        Self { address, tls, exchange, declare, open: tokio::sync::Mutex::default() }
    }

    /// Connects, and sees to the exchange.
    pub async fn check(&self) -> Result<(), Fault> {
        let open = self.open().await?;
        let seen_to = self.see_to_exchange(&open).await;
        if let Err(fault) = &seen_to {
            self.after(fault).await;
        }
        seen_to
    }

    /// What became of each of the messages, in their order.
    pub async fn publish(&self, messages: &[Message]) -> Result<Vec<Fate>, Fault> {
        let open = self.open().await?;
        let channel = open.channel().await?;
        let exchange = ShortString::from(self.exchange.as_str());
        let publishing = messages.iter().map(|message| publish(&channel, &exchange, message));
        let confirmations = join_all(publishing).await;
        let fates = fates(messages, confirmations);
        match fates.iter().find_map(|fate| if let Fate::Failed(fault) = fate { Some(fault) } else { None }) {
            None => open.give_back(channel),
            Some(fault) => self.after(fault).await,
        }
        Ok(fates)
    }

    /// Gives up the connection, whoever uses it.
    pub async fn give_up(&self) {
        *self.open.lock().await = None;
    }

    /// Why a server that can be reached takes nothing; nothing where that is not known.
    pub async fn held_up(&self) -> Option<&'static str> {
        let open = self.open.lock().await;
        let is_held_up = open.as_ref().is_some_and(|open| open.link.is_held_up());
        is_held_up.then_some("; it takes no messages now, as its memory or its disk is full")
    }

    async fn open(&self) -> Result<Arc<Open>, Fault> {
        // Held while one connects, so that all who wait use what it makes.
        let mut open = self.open.lock().await;
        if let Some(open) = open.as_ref().filter(|open| open.link.is_open()) {
            return Ok(open.clone());
        }
        let link = RabbitLink::open(&self.address, &self.tls, "weir").await?;
        let new = Arc::new(Open { link, idle: Mutex::default() });
        self.see_to_exchange(&new).await?;
        Ok(open.insert(new).clone())
    }

    /// Makes the exchange, or sees whether it is there.
    async fn see_to_exchange(&self, open: &Open) -> Result<(), Fault> {
        if self.exchange.is_empty() {
            return Ok(());
        }
        let channel = open.link.channel().await?;
        let kind = self.declare.as_deref().unwrap_or("direct");
        let options = ExchangeDeclareOptions {
            passive: self.declare.is_none(),
            durable: true,
            ..ExchangeDeclareOptions::default()
        };
        let kind = ExchangeKind::Custom(kind.to_owned());
        let declared =
            channel.exchange_declare(self.exchange.as_str().into(), kind, options, FieldTable::default());
        match declared.await.map_err(|error| judged(&error)) {
            Err(Fault::Missing(text)) => {
                Err(Fault::Blocked(format!("{text}; make it, or set `declare` to its kind")))
            }
            other => other,
        }
    }

    /// What is wrong with a channel does not concern the connection.
    async fn after(&self, fault: &Fault) {
        if matches!(fault, Fault::Away(_) | Fault::Missing(_)) {
            self.give_up().await;
        }
    }
}

impl Open {
    /// One that confirms.
    async fn channel(&self) -> Result<Channel, Fault> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(channel) = idle.filter(|channel| channel.status().connected()) {
            return Ok(channel);
        }
        let channel = self.link.channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await.map_err(|error| judged(&error))?;
        Ok(channel)
    }

    fn give_back(&self, channel: Channel) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(channel);
    }
}

async fn publish(
    channel: &Channel,
    exchange: &ShortString,
    message: &Message,
) -> Result<Confirmation, Error> {
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let routing_key = ShortString::from(message.routing_key.as_str());
    let properties = message.properties.clone();
    channel.basic_publish(exchange.clone(), routing_key, options, &message.body, properties).await?.await
}

fn fates(messages: &[Message], confirmations: Vec<Result<Confirmation, Error>>) -> Vec<Fate> {
    let mut returned = HashMap::new();
    let mut fates: Vec<Fate> = Vec::with_capacity(messages.len());
    for confirmation in confirmations {
        fates.push(match &confirmation {
            Ok(Confirmation::Ack(_)) => Fate::Confirmed,
            Ok(_) => Fate::Failed(Fault::Away("the server could not take it (basic.nack)".to_owned())),
            Err(error) => Fate::Failed(judged(error)),
        });
        if let Some(message) = confirmation.ok().and_then(Confirmation::take_message)
            && let Some(id) = message.delivery.properties.message_id()
        {
            returned.insert(id.to_string(), format!("{} {}", message.reply_code, message.reply_text));
        }
    }
    for (message, fate) in messages.iter().zip(&mut fates) {
        if let Some(words) = returned.remove(&message.id) {
            *fate = Fate::Unroutable(words);
        }
    }
    fates
}
