//! What a message says.
//!
//! **Constraint.** A queue has no places, so a message that brings no id has none that outlives it: should it be given again,
//! it is another event.

use weir_connect::rabbitmq::lapin::types::AMQPValue;
use weir_core::event::{EventId, Offset};
use weir_core::message::{Content, Message, MessageReader};
use weir_core::time::Timestamp;
use weir_core::transit::VERSION_HEADER;

use super::Delivery;

/// The events in the message; `random` names one that has no name.
pub(super) fn content(
    reader: &MessageReader,
    queue: &str,
    delivery: &Delivery,
    now: Timestamp,
    random: u64,
) -> Content {
    let properties = &delivery.properties;
    let seconds = properties.timestamp().and_then(|seconds| i64::try_from(seconds).ok());
    let message_id = properties.message_id().as_ref().map(|id| id.as_str());
    let table = properties.headers().as_ref().map(|table| table.inner());
    let mut headers: Vec<(&str, Option<&[u8]>)> = Vec::new();
    for (name, value) in table.into_iter().flatten() {
        headers.push((name.as_str(), bytes(value)));
    }
    let is_ours = headers.iter().any(|(name, _)| *name == VERSION_HEADER);
    headers.extend(message_id.map(|id| ("message_id", Some(id.as_bytes()))));
    let mut content = reader.read(&Message {
        topic: queue,
        partition: 0,
        // Catalogs keep 63 bits of it.
        offset: Offset(random >> 1),
        at: seconds.and_then(|seconds| seconds.checked_mul(1_000_000)).map_or(now, Timestamp::from_micros),
        key: Some(delivery.routing_key.as_str().as_bytes()),
        headers,
        value: Some(&delivery.data),
    });
    if let Some(id) = message_id.filter(|_| !is_ours) {
        for (index, record) in content.records.iter_mut().enumerate() {
            // The event's own name goes before its message's.
            if record.event.client_id.is_none() {
                let name = format!("message:{id}/{index}");
                record.event.id = EventId::named(&record.stream, &record.origin.credential, &name);
            }
        }
    }
    content
}

fn bytes(value: &AMQPValue) -> Option<&[u8]> {
    match value {
        AMQPValue::LongString(text) => Some(text.as_bytes()),
        AMQPValue::ShortString(text) => Some(text.as_str().as_bytes()),
        AMQPValue::ByteArray(bytes) => Some(bytes.as_slice()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use weir_connect::rabbitmq::lapin::BasicProperties;
    use weir_connect::rabbitmq::lapin::types::FieldTable;
    use weir_core::event::Record;
    use weir_core::message::ValueFormat;
    use weir_core::testkit::record;
    use weir_core::transit;

    use super::*;

    fn delivery(body: &str, properties: BasicProperties) -> Delivery {
        let mut delivery = Delivery::mock(1, "".into(), "key".into(), false, body.into());
        delivery.properties = properties;
        delivery
    }

    fn read(delivery: &Delivery, random: u64) -> Content {
        let reader = crate::testing::reader("rabbitmq", ValueFormat::Json);
        content(&reader, "events", delivery, Timestamp::from_micros(7), random)
    }

    fn one(delivery: &Delivery, random: u64) -> Record {
        let [record] = <[Record; 1]>::try_from(read(delivery, random).records).unwrap();
        record
    }

    #[test]
    fn a_message_with_an_id_is_the_same_event_whenever_it_is_given() {
        let named = |body| delivery(body, BasicProperties::default().with_message_id("m-1".into()));
        assert_eq!(one(&named(r#"{"a":1}"#), 1).event, one(&named(r#"{"a":1}"#), 2).event);
        let nameless = delivery(r#"{"a":1}"#, BasicProperties::default());
        assert_ne!(one(&nameless, 2).event.id, one(&nameless, 4).event.id);
    }

    #[test]
    fn its_time_is_the_senders_or_now() {
        let timed = delivery("{}", BasicProperties::default().with_timestamp(1_795_338_000));
        assert_eq!(one(&timed, 1).received_at, Timestamp::from_micros(1_795_338_000_000_000));
        assert_eq!(
            one(&delivery("{}", BasicProperties::default()), 1).received_at,
            Timestamp::from_micros(7)
        );
    }

    #[test]
    fn what_a_sink_has_published_comes_out_as_it_went_in() {
        let mut sent = record(0, "actions", 3);
        sent.event.body = r#"{"n":1.50}"#.into();
        let mut table = FieldTable::default();
        for (name, text) in transit::headers(&sent) {
            table.insert(name.into(), AMQPValue::LongString(text.as_ref().into()));
        }
        let properties = BasicProperties::default().with_headers(table).with_message_id("other".into());
        let brought = one(&delivery(r#"{"n":1.50}"#, properties), 1);
        assert_eq!((&brought.event, &brought.stream), (&sent.event, &sent.stream));
    }

    #[test]
    fn what_is_no_event_is_told_with_what_stands_beside_it() {
        let content = read(&delivery("7", BasicProperties::default().with_message_id("m-1".into())), 1);
        let source = &content.unreadable[0].source;
        assert_eq!((source.topic.as_str(), source.key.as_deref()), ("events", Some("key")));
        assert_eq!(source.headers, [("message_id".to_owned(), "m-1".to_owned())]);
    }
}
