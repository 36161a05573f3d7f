//! What an entry says.
//!
//! **Constraint.** One field holds a message, whatever it is called; several are the members of an object. What a sink has
//! added, by its fields `id` and `event`, keeps its id.

use std::borrow::Cow;

use bytes::Bytes;
use weir_core::event::{EventId, Offset};
use weir_core::line::TOLD;
use weir_core::line::members::members;
use weir_core::message::{Content, Message, MessageReader};
use weir_core::time::Timestamp;
use weir_core::transit::{OWN_HEADER, VERSION, VERSION_HEADER};

use super::entry::Entry;

/// The events in the entry.
pub(super) fn content(reader: &MessageReader, key: &str, entry: &Entry) -> Content {
    let (id, value) = match &entry.fields[..] {
        [(_, value)] => (None, value.clone()),
        [(first, id), (second, event)] if first == "id" && second == "event" => {
            match std::str::from_utf8(id).ok().and_then(EventId::parse) {
                Some(id) => (Some(id), event.clone()),
                None => (None, object(&entry.fields)),
            }
        }
        fields => (None, object(fields)),
    };
    let told = id.and_then(|id| headers(&value, id)).unwrap_or_default();
    let (millis, which) = entry.place().unwrap_or_default();
    let headers = told.iter().map(|(name, text)| (*name, Some(text.as_bytes())));
    let content = reader.read(&Message {
        topic: key,
        partition: 0,
        offset: Offset(which),
        at: Timestamp::from_micros(i64::try_from(millis.saturating_mul(1_000)).unwrap_or(i64::MAX)),
        key: None,
        headers: headers.chain([("entry", Some(entry.id.as_bytes()))]).collect(),
        value: Some(&value),
    });
    match id {
        Some(id) if content.records.len() == 1 => known_as(content, id),
        _ => content,
    }
}

fn known_as(mut content: Content, id: EventId) -> Content {
    content.records.iter_mut().for_each(|record| record.event.id = id);
    content
}

/// The headers that a line of this event would have beside it; `None` where it is no line.
fn headers(line: &[u8], id: EventId) -> Option<Vec<(&'static str, Cow<'static, str>)>> {
    let mut headers: Vec<(&str, Cow<'_, str>)> =
        vec![(VERSION_HEADER, VERSION.into()), (OWN_HEADER, "apart".into())];
    for (name, value) in members(std::str::from_utf8(line).ok()?).ok()? {
        if let Some(told) = TOLD.into_iter().find(|told| *told == name)
            && let Ok(Some(text)) = serde_json::from_str::<Option<String>>(value.get())
        {
            headers.push((told, text.into()));
        }
    }
    let has = |name: &str| headers.iter().find(|(told, _)| *told == name);
    let is_line = has("id").is_some_and(|(_, text)| EventId::parse(text) == Some(id))
        && ["stream", "occurred_at", "received_at"].into_iter().all(|name| has(name).is_some());
    is_line.then_some(headers)
}

/// Fields as an object. Bytes that are no text stay, so that they are found.
fn object(fields: &[(Bytes, Bytes)]) -> Bytes {
    let text = |out: &mut Vec<u8>, bytes: &[u8]| match std::str::from_utf8(bytes) {
        Ok(text) => out.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes()),
        Err(_) => out.extend([b"\"", bytes, b"\""].concat()),
    };
    let mut out = vec![b'{'];
    for (place, (name, value)) in fields.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        text(&mut out, name);
        out.push(b':');
        text(&mut out, value);
    }
    out.push(b'}');
    out.into()
}

#[cfg(test)]
mod tests {
    use weir_core::event::Record;
    use weir_core::line::{Last, write};
    use weir_core::message::ValueFormat;
    use weir_core::testkit::record;

    use super::*;

    fn read(fields: &[(&'static str, Bytes)]) -> Content {
        let fields = fields.iter().map(|(name, value)| (Bytes::from(*name), value.clone())).collect();
        let reader = crate::testing::reader("redis", ValueFormat::Json);
        content(&reader, "events", &Entry { id: "1795338000000-3".to_owned(), fields })
    }

    fn one(content: Content) -> Record {
        let [record] = <[Record; 1]>::try_from(content.records).unwrap();
        record
    }

    #[test]
    fn one_field_is_a_message_and_several_are_the_members_of_one() {
        let alone = one(read(&[("whatever", r#"{"a": 1}"#.into())]));
        assert_eq!(alone.event.body, r#"{"a": 1}"#);
        assert_eq!(alone.received_at, Timestamp::from_micros(1_795_338_000_000_000));
        let several = one(read(&[("a", "1".into()), ("b", "\"é\"".into()), ("a", "2".into())]));
        assert_eq!(several.event.body, r#"{"a":"1","b":"\"é\"","a":"2"}"#);
    }

    #[test]
    fn an_entry_that_is_read_again_is_the_same_event() {
        let again = || one(read(&[("x", r#"{"a":1}"#.into())]));
        assert_eq!(again(), again());
    }

    #[test]
    fn what_a_sink_has_added_comes_out_as_it_went_in() {
        let mut sent = record(0, "events", 0);
        sent.event.body = r#"{"page":"/","event":"e","n":1.50}"#.into();
        sent.event.user_id = Some("u".into());
        let mut line = Vec::new();
        write(&mut line, &sent, &mut Last::default()).unwrap();
        let fields = |event: Bytes| [("id", Bytes::from(sent.event.id.to_string())), ("event", event)];
        let brought = one(read(&fields(line.into())));
        assert_eq!((brought.event.id, &brought.event.body), (sent.event.id, &sent.event.body));
        assert_eq!((brought.user_id(), brought.received_at), (Some("u"), sent.received_at));
        let raw = one(read(&fields(sent.event.body.clone())));
        assert_eq!((raw.event.id, raw.event.body), (sent.event.id, sent.event.body));
    }

    #[test]
    fn what_is_no_event_is_told_with_its_place() {
        let content = read(&[("x", "7".into())]);
        let unreadable = &content.unreadable[0];
        assert!(unreadable.source.headers.contains(&("entry".to_owned(), "1795338000000-3".to_owned())));
        assert_eq!(unreadable.source.topic, "events");
        let bytes = read(&[("a", Bytes::from_static(b"\xff")), ("b", "1".into())]);
        assert_eq!((bytes.records.len(), bytes.unreadable.len()), (0, 1));
    }
}
