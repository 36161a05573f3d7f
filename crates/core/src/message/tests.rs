//! Messages of anybody, and of Weir itself, and what is found in them.

use super::*;
use crate::formats::pick::Pointer;
use crate::line::{Last, write};
use crate::schema::tests::event;
use crate::testkit::record;
use crate::transit::{OWN_HEADER, headers};
use proptest::prelude::*;

fn stream(name: &str) -> Stream {
    Stream::new(name).unwrap()
}

fn reader(format: ValueFormat) -> MessageReader {
    let id = Pointer::parse("/uid");
    let actions = StreamRules::configured(stream("actions"), id, Pointer::parse("/ts"), None, []);
    let rules = [StreamRules::events(), actions];
    MessageReader {
        kind: "kafka",
        stream: Some(stream("actions")),
        format,
        schemas: CurrentRegistry::default(),
        message: None,
        rules: rules.into_iter().map(|rules| (rules.stream().clone(), rules)).collect(),
        value_max_bytes: 1_000,
    }
}

fn message(value: &'static str) -> Message<'static> {
    Message {
        topic: "t",
        partition: 3,
        offset: Offset(42),
        at: Timestamp::from_micros(1_795_338_000_000_000),
        key: Some(b"k"),
        headers: vec![("trace", Some(b"x"))],
        value: Some(value.as_bytes()),
    }
}

fn faults(content: &Content) -> Vec<&str> {
    content.unreadable.iter().map(|unreadable| unreadable.refusal.reason.as_str()).collect()
}

#[test]
fn an_object_is_an_event_named_by_its_place_and_timed_by_its_message() {
    let content = reader(ValueFormat::Json).read(&message(" {\"a\":\n1}\n"));
    let [record] = &content.records[..] else { panic!("{content:?}") };
    assert_eq!((&record.event.body[..], record.offset), (&b"{\"a\": 1}"[..], Offset(42)));
    assert_eq!((record.received_at, record.event.occurred_at), (message("").at, message("").at));
    assert_eq!((record.stream.as_str(), record.origin.credential.as_str()), ("actions", "kafka:t"));
    // Frozen: what was once stored under this id must be found under it again.
    assert_eq!(record.event.id.to_string(), "aed9559d-3149-84ff-9730-1af042c78b93");
}

#[test]
fn an_event_that_brings_its_own_id_and_time_is_known_by_them_wherever_it_stands() {
    let reader = reader(ValueFormat::Json);
    let value = r#"{"uid":"u-1","ts":1795338000}"#;
    let again = Message { partition: 1, offset: Offset(7), ..message(value) };
    let [one, other] = [message(value), again].map(|message| reader.read(&message).records.remove(0));
    assert_eq!((one.event.id, one.event.occurred_at), (other.event.id, other.event.occurred_at));
    assert_eq!(one.event.client_id.as_deref(), Some("u-1"));
    assert_ne!(one.event.id, reader.read(&Message { topic: "other", ..message(value) }).records[0].event.id);
}

#[test]
fn a_topic_that_was_made_anew_gives_other_ids() {
    let reader = reader(ValueFormat::Json);
    let later = Message { at: Timestamp::from_micros(1_795_338_000_001_000), ..message("{}") };
    assert_ne!(reader.read(&message("{}")).records[0].event.id, reader.read(&later).records[0].event.id);
}

#[test]
fn each_line_is_an_event_and_a_bad_one_spoils_no_other() {
    let content = reader(ValueFormat::Lines).read(&message("\u{FEFF}{\"a\":1}\n\n[]\n{\"a\":2}\n{broken"));
    let bodies: Vec<&[u8]> = content.records.iter().map(|record| &record.event.body[..]).collect();
    assert_eq!(bodies, [br#"{"a":1}"#, br#"{"a":2}"#]);
    assert_ne!(content.records[0].event.id, content.records[1].event.id);
    assert_eq!(faults(&content), ["not_an_object", "invalid_json"]);
    assert_eq!(&content.unreadable[1].record.as_ref().unwrap().event.body[..], b"{broken");
    assert_eq!(faults(&reader(ValueFormat::Lines).read(&message(" \n\n"))), ["no_event"]);
}

#[test]
fn anything_is_an_event_where_values_are_taken_as_they_are() {
    let reader = reader(ValueFormat::Raw);
    let body = |value: &'static [u8]| {
        let content = reader.read(&Message { value: Some(value), ..message("") });
        String::from_utf8(content.records[0].event.body.to_vec()).unwrap()
    };
    assert_eq!(body(b"a \"b\""), r#"{"value":"a \"b\""}"#);
    assert_eq!(body(b"\xFF\x00"), r#"{"base64":"/wA="}"#);
    assert_eq!(faults(&reader.read(&Message { value: None, ..message("") })), ["null_value"]);
}

#[test]
fn what_is_no_event_is_told_with_its_bytes_and_where_it_stands() {
    let reader = reader(ValueFormat::Json);
    for (value, reason) in
        [("", "invalid_json"), ("{}{}", "invalid_json"), ("[1]", "not_an_object"), ("nul", "invalid_json")]
    {
        let content = reader.read(&message(value));
        assert_eq!((faults(&content), content.records.len()), (vec![reason], 0), "{value}");
        let Unreadable { offset, record, source, .. } = &content.unreadable[0];
        assert_eq!((offset.0, &record.as_ref().unwrap().event.body[..]), (42, value.as_bytes()));
        assert_eq!(
            (&*source.topic, source.partition, source.offset, source.key.as_deref()),
            ("t", 3, 42, Some("k"))
        );
        assert_eq!(source.headers, [("trace".to_owned(), "x".to_owned())]);
    }
    let large: &'static str = Box::leak(format!("{{\"a\":\"{}\"}}", "x".repeat(1_000)).into_boxed_str());
    let content = reader.read(&message(large));
    assert_eq!((faults(&content), content.unreadable[0].record.is_none()), (vec!["too_large"], true));
    let content = reader.read(&Message { value: None, ..message("") });
    assert_eq!((faults(&content), content.unreadable[0].record.is_none()), (vec!["null_value"], true));
}

#[test]
fn a_stream_holds_its_rules_against_messages_too() {
    let reader = MessageReader { stream: None, ..reader(ValueFormat::Json) };
    assert_eq!(faults(&reader.read(&message("{}"))), ["missing_member"]);
    assert_eq!(faults(&reader.read(&message(r#"{"page":1,"event":"e"}"#))), ["wrong_type"]);
    let content = reader.read(&message(r#"{"page":"p","event":"e","log_id":"7"}"#));
    assert_eq!(
        (content.records[0].stream.as_str(), content.records[0].event.client_id.as_deref()),
        ("events", Some("7"))
    );
    let of_header = Message { headers: vec![("stream", Some(b"anything.else"))], ..message("{}") };
    assert_eq!(reader.read(&of_header).records[0].stream.as_str(), "anything.else");
}

#[test]
fn what_weir_sent_is_the_event_that_it_was() {
    let reader = MessageReader { stream: None, ..reader(ValueFormat::Json) };
    let mut sent = record(42, "actions", 0);
    sent.event.body = r#"{"uid":"u-1", "n":1.50}"#.into();
    sent.event.client_id = Some("u-1".into());
    let mut line = Vec::new();
    let own = write(&mut line, &sent, &mut Last::default()).unwrap().to_string();
    let mut told: Vec<(&str, String)> =
        headers(&sent).into_iter().map(|(name, text)| (name, text.into_owned())).collect();
    told.push((OWN_HEADER, own));
    let told: Vec<(&str, Option<&[u8]>)> =
        told.iter().map(|(name, text)| (*name, Some(text.as_bytes()))).collect();
    let arrived = Message { headers: told.clone(), value: Some(&line), ..message("") };
    let brought = reader.read(&arrived).records.remove(0);
    sent.origin = Arc::new(Origin { credential: "kafka:t".to_owned(), ..(*sent.origin).clone() });
    assert_eq!(brought, sent);

    let elsewhere =
        MessageReader { stream: Some(stream("events")), rules: BTreeMap::new(), ..reader.clone() };
    let moved = elsewhere.read(&arrived).records.remove(0);
    assert_eq!((moved.stream.as_str(), moved.event.id), ("events", sent.event.id));

    let broken = Message { headers: told[..1].to_vec(), ..arrived };
    assert_eq!(faults(&reader.read(&broken)), ["broken_headers"]);
}

#[test]
fn keys_and_headers_are_told_as_text_and_not_without_end() {
    let long = "é".repeat(5_000);
    let told = Message {
        key: Some(b"\xFF\xFE"),
        headers: vec![("a", None), ("long", Some(long.as_bytes()))],
        ..message("x")
    };
    let source = reader(ValueFormat::Json).read(&told).unreadable.remove(0).source;
    assert_eq!(source.key.as_deref(), Some("base64://4="));
    assert_eq!(source.headers[0], ("a".to_owned(), String::new()));
    assert!(source.headers[1].1.ends_with("é…") && source.headers[1].1.len() < 4_200);
}

proptest! {
    #[test]
    fn the_same_message_gives_the_same_content_and_none_makes_it_panic(
        value in prop::option::of(prop::collection::vec(any::<u8>(), 0..200)), format in 0..3,
    ) {
        let format = [ValueFormat::Json, ValueFormat::Lines, ValueFormat::Raw][format as usize];
        let reader = reader(format);
        let message = Message { value: value.as_deref(), ..message("") };
        let content = reader.read(&message);
        prop_assert!(!content.records.is_empty() || !content.unreadable.is_empty());
        prop_assert_eq!(reader.read(&message), content);
    }
}

#[test]
fn a_message_of_the_registry_is_the_event_that_store_makes_of_it() {
    let types = crate::schema::tests::registry(&[(
        "e.proto",
        &format!("syntax = \"proto3\"; {} message Plain {{ int32 n = 1; }}", event("string user_id = 2;")),
    )]);
    let logged = br#"{"event_name":"E","context":{"sentAt":"1701530942","receivedAt":"1","processedAt":"1","messageId":"36eca638-4c0f-4d11-bc9b-cc2290851032","userAgent":"a"},"userId":"u"}"#;
    let wire: &'static [u8] = types.wire_of_logged(logged).unwrap().leak();
    let store = StreamRules::store();
    let reader = MessageReader {
        stream: None,
        rules: BTreeMap::from([(store.stream().clone(), store)]),
        schemas: CurrentRegistry::new(types),
        ..reader(ValueFormat::Protobuf)
    };
    let message = |key: &'static str| Message {
        key: Some(key.as_bytes()),
        value: Some(wire),
        headers: Vec::new(),
        ..message("")
    };
    let named = MessageReader { message: Some("E".to_owned()), ..reader.clone() };
    let header = Message { headers: vec![("event_name", Some(b"E"))], ..message("7") };
    let by_key = message("E_36eca638-4c0f-4d11-bc9b-cc2290851032");
    for content in
        [named.read(&message("7")), reader.read(&header), reader.read(&message("E")), reader.read(&by_key)]
    {
        let [record] = &content.records[..] else { panic!("{content:?}") };
        assert_eq!((record.stream.as_str(), &record.event.body[..]), (STORE, &logged[..]));
        assert_eq!(record.event.client_id.as_deref(), Some("36eca638-4c0f-4d11-bc9b-cc2290851032"));
        assert_eq!(record.event.occurred_at, Timestamp::from_micros(1_701_530_942_000_000));
    }

    assert_eq!(faults(&reader.read(&message("F"))), ["unknown_event"]);
    assert_eq!(faults(&reader.read(&Message { key: None, ..message("") })), ["no_event_name"]);
    let broken = reader.read(&Message { value: Some(b"\xFF\xFF"), ..message("E") });
    assert_eq!(&broken.unreadable[0].record.as_ref().unwrap().event.body[..], b"\xFF\xFF");
    let lacking = reader.read(&Message { value: Some(b""), ..message("E") });
    assert_eq!(faults(&lacking), ["schema"]);

    let plain = MessageReader { stream: Some(stream("numbers")), ..reader.clone() };
    let numbers = plain.read(&Message { value: Some(b"\x08\x07"), ..message("Plain") });
    assert_eq!(&numbers.records[0].event.body[..], br#"{"n":7}"#);

    // Sent by Weir itself, whatever the input says that values are.
    let mut sent = record(9, "store", 0);
    sent.event.body = Bytes::from_static(logged);
    let told: Vec<(&str, String)> =
        headers(&sent).into_iter().map(|(name, text)| (name, text.into_owned())).collect();
    let mut own: Vec<_> = told.iter().map(|(name, text)| (*name, Some(text.as_bytes()))).collect();
    own.push(("content-type", Some(b"application/x-protobuf")));
    let json = MessageReader { format: ValueFormat::Json, ..reader };
    let brought = json.read(&Message { headers: own, ..message("E") }).records.remove(0);
    assert_eq!((brought.event.id, &brought.event.body[..]), (sent.event.id, &logged[..]));
}
