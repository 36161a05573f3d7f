//! The RabbitMQ sink: one persistent message an event, published with confirmation and with the mandatory flag.
//!
//! **Constraint.** What is confirmed is the server's; what it returns, as no queue takes it, is a dead letter. A batch that
//! is delivered again is published again: a broker knows no message again. Each has its event's id as `message_id`.

mod message;
mod publisher;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use async_trait::async_trait;
use weir_connect::Fault;
use weir_core::sink::{Batch, Exception, Receipt, Refusal, Sink, SinkError, Verdict};

use crate::SettingsError;
use crate::brokers::{Format, Template, refusal, refused, sink_error};
use message::{Message, Messages};
use publisher::{Fate, Publisher};
pub use settings::RabbitSettings;

/// Publishes events to RabbitMQ.
pub struct RabbitSink {
    publisher: Publisher,
    routing_key: Arc<Template>,
    format: Format,
    request_timeout: Duration,
}

impl RabbitSink {
    /// Made ready, without asking a server for anything.
    pub fn start(settings: &RabbitSettings) -> Result<Self, SettingsError> {
        settings.check()?;
        // What can be told of the files is told at the start.
        settings.tls.client_config()?;
        let RabbitSettings { exchange, declare, tls, .. } = settings.clone();
        Ok(Self {
            publisher: Publisher::new(settings.address()?, tls, exchange, declare),
            routing_key: Arc::new(settings.routing_key()?),
            format: settings.format,
            request_timeout: settings.request_timeout,
        })
    }

    /// Does the work, but not for longer than a frozen server may be waited for.
    async fn within<T>(&self, work: impl Future<Output = Result<T, Fault>>) -> Result<T, SinkError> {
        let limit = self.request_timeout;
        match tokio::time::timeout(limit, work).await {
            Ok(result) => result.map_err(sink_error),
            Err(_) => {
                let why = self.publisher.held_up().await.unwrap_or_default();
                self.publisher.give_up().await;
                let address = &self.publisher.address;
                Err(SinkError::retry(anyhow!("{address}: no answer within {limit:?}{why}")))
            }
        }
    }

    /// What is not stored of the batch, or why none of it is.
    fn exceptions(&self, messages: &[Message], fates: Vec<Fate>) -> Result<Vec<Exception>, SinkError> {
        let limit = size_limit(&fates);
        let is_too_large = |message: &Message| limit.is_some_and(|limit| message.body.len() > limit);
        let mut exceptions = Vec::new();
        let (mut failed, mut first) = (0, None);
        for (message, fate) in messages.iter().zip(fates) {
            match fate {
                Fate::Confirmed => {}
                Fate::Unroutable(words) => {
                    exceptions.push(refused(message.index, self.unroutable(message, &words)));
                }
                Fate::Failed(Fault::Refused(words)) if is_too_large(message) => {
                    exceptions.push(refused(message.index, refusal("too_large", words)));
                }
                Fate::Failed(fault) => {
                    failed += 1;
                    exceptions
                        .push(Exception { index: message.index, verdict: Verdict::Retry(fault.to_string()) });
                    first.get_or_insert(fault);
                }
            }
        }
        match first {
            // The same befell all of them.
            Some(fault) if failed == messages.len() => Err(sink_error(fault)),
            _ => Ok(exceptions),
        }
    }

    fn unroutable(&self, message: &Message, words: &str) -> Refusal {
        let (exchange, key) = (&self.publisher.exchange, &message.routing_key);
        let detail =
            format!("{words}: no queue takes what comes by exchange {exchange:?} and routing key {key:?}");
        refusal("unroutable", detail)
    }
}

#[async_trait]
impl Sink for RabbitSink {
    async fn check(&self) -> Result<(), SinkError> {
        self.within(self.publisher.check()).await
    }

    async fn deliver(&self, batch: &Batch) -> Result<Receipt, SinkError> {
        let (records, key, format) = (batch.records.clone(), self.routing_key.clone(), self.format);
        let write = move || Messages::write(&records, &key, format);
        let Messages { messages, twins, refused } =
            tokio::task::spawn_blocking(write).await.map_err(SinkError::retry)?;
        let mut exceptions = refused;
        if !messages.is_empty() {
            let fates = self.within(self.publisher.publish(&messages)).await?;
            exceptions.extend(self.exceptions(&messages, fates)?);
            exceptions.sort_unstable_by_key(|exception| exception.index);
        }
        Ok(Receipt { duplicates: twins, exceptions, ..Receipt::default() })
    }
}

/// How large a message may be, where the server has said so of one of them; it closes the channel with that, and so the
/// others have failed with it.
fn size_limit(fates: &[Fate]) -> Option<usize> {
    let words = fates.iter().find_map(|fate| match fate {
        Fate::Failed(Fault::Refused(words)) => Some(words),
        _ => None,
    })?;
    words.split(|letter: char| !letter.is_ascii_digit()).rfind(|digits| !digits.is_empty())?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_that_the_server_takes_is_found_in_its_words() {
        let said =
            |words: &str| size_limit(&[Fate::Confirmed, Fate::Failed(Fault::Refused(words.to_owned()))]);
        let words =
            "PRECONDITION_FAILED - message size 134217729 is larger than configured max size 134217728";
        assert_eq!(said(words), Some(134_217_728));
        assert_eq!(said("message size is larger"), None);
        assert_eq!(size_limit(&[Fate::Failed(Fault::Away("16".to_owned()))]), None);
    }
}
