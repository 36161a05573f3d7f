//! From a batch to messages.

use weir_connect::rabbitmq::lapin::BasicProperties;
use weir_connect::rabbitmq::lapin::types::{AMQPValue, FieldTable};
use weir_core::event::Record;
use weir_core::line::{Last, Own};
use weir_core::sink::{Exception, Refusal};
use weir_core::transit::{self, OWN_HEADER};

use crate::brokers::{Format, Template, refusal, refused};
use crate::seen::Seen;

/// The longest routing key that AMQP can say.
const ROUTING_KEY_MAX_BYTES: usize = 255;
/// To be kept on disk.
const PERSISTENT: u8 = 2;

/// One event, ready to be published.
pub(super) struct Message {
    /// The event's place in the batch.
    pub index: usize,
    pub id: String,
    pub routing_key: String,
    pub body: Vec<u8>,
    pub properties: BasicProperties,
}

/// The messages of a batch.
#[derive(Default)]
pub(super) struct Messages {
    pub messages: Vec<Message>,
    /// Events that stand twice in the batch.
    pub twins: u64,
    /// Events that are none, by rising index.
    pub refused: Vec<Exception>,
}

impl Messages {
    pub fn write(records: &[Record], routing_key: &Template, format: Format) -> Self {
        let mut all = Self::default();
        let (mut seen, mut last) = (Seen::with_capacity(records.len()), Last::default());
        for (index, record) in records.iter().enumerate() {
            if !seen.is_first(record.event.id) {
                all.twins += 1;
                continue;
            }
            match message(index, record, routing_key, format, &mut last) {
                Ok(message) => all.messages.push(message),
                Err(refusal) => {
                    seen.forget(record.event.id);
                    all.refused.push(refused(index, refusal));
                }
            }
        }
        all
    }
}

fn message(
    index: usize,
    record: &Record,
    routing_key: &Template,
    format: Format,
    last: &mut Last,
) -> Result<Message, Refusal> {
    let mut body = Vec::with_capacity(record.event.body.len() + 256);
    let own = format.write(&mut body, record, last)?;
    let routing_key = routing_key.fill_with_what_is_there(record);
    let routing_key = routing_key.map_err(|error| refusal("invalid_json", error.to_string()))?.into_owned();
    if routing_key.len() > ROUTING_KEY_MAX_BYTES {
        let detail = format!("{} bytes; RabbitMQ takes {ROUTING_KEY_MAX_BYTES}", routing_key.len());
        return Err(refusal("routing_key_too_long", detail));
    }
    let id = record.event.id.to_string();
    let properties = properties(record, &id, own.as_ref());
    Ok(Message { index, id, routing_key, body, properties })
}

fn properties(record: &Record, id: &str, own: Option<&Own>) -> BasicProperties {
    let mut headers = FieldTable::default();
    for (name, text) in transit::headers(record) {
        headers.insert(name.into(), AMQPValue::LongString(text.as_ref().into()));
    }
    if let Some(own) = own {
        headers.insert(OWN_HEADER.into(), AMQPValue::LongString(own.to_string().into()));
    }
    let seconds = u64::try_from(record.received_at.as_micros() / 1_000_000).unwrap_or_default();
    BasicProperties::default()
        .with_message_id(id.into())
        .with_content_type("application/json".into())
        .with_delivery_mode(PERSISTENT)
        .with_app_id("weir".into())
        .with_timestamp(seconds)
        .with_headers(headers)
}
