//! What `/store` takes, and in which order it says no.

use serde_json::{Value, json};

use super::registry;
use crate::schema::Registry;
use crate::schema::envelope::{EnvelopeError, read, read_wire};
use crate::time::Timestamp;

fn shipped() -> Registry {
    registry(&[
        ("events/context.proto", include_str!("../../../../../schemas/events/context.proto")),
        ("events/test_events.proto", include_str!("../../../../../schemas/events/test_events.proto")),
    ])
}

fn now() -> Timestamp {
    Timestamp::parse("2026-11-22T09:00:00.5Z").unwrap()
}

/// What the original's own example sends.
fn example() -> Value {
    json!({
        "event_name": "TestEvent",
        "context": {
            "sent_at": 1_701_530_942, "received_at": 1_701_530_942, "processed_at": 1_701_530_942,
            "message_id": "36eca638-4c0f-4d11-bc9b-cc2290851032", "user_agent": "some_user_agent"
        },
        "data": { "user_id": "example_user_id", "account_id": "example_account_id", "user_role": "OWNER" }
    })
}

fn with(change: impl Fn(&mut Value)) -> Result<String, EnvelopeError> {
    let mut event = example();
    change(&mut event);
    let logged = read(&event.to_string(), &shipped(), now())?;
    Ok(String::from_utf8(logged.to_vec()).unwrap())
}

fn paths(error: &EnvelopeError) -> Vec<&str> {
    match error {
        EnvelopeError::Rules(faults) | EnvelopeError::Shape(faults) => {
            faults.iter().map(|fault| fault.path.as_str()).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_example_is_logged_as_the_mapping_has_it_with_its_name() {
    let expected = concat!(
        r#"{"event_name":"TestEvent","context":{"sentAt":"1701530942","receivedAt":"1701530942","#,
        r#""processedAt":"1701530942","messageId":"36eca638-4c0f-4d11-bc9b-cc2290851032","userAgent":"some_user_agent"},"#,
        r#""userId":"example_user_id","accountId":"example_account_id","userRole":"OWNER"}"#
    );
    assert_eq!(with(|_| {}).unwrap(), expected);
}

#[test]
fn the_example_on_the_wire_is_what_the_original_wrote() {
    let registry = shipped();
    let logged = with(|_| {}).unwrap();
    let wire = registry.wire_of_logged(logged.as_bytes()).unwrap();
    let context = [
        &b"\x08\xbe\x9a\xad\xab\x06\x10\xbe\x9a\xad\xab\x06\x18\xbe\x9a\xad\xab\x06\x22\x24"[..],
        b"36eca638-4c0f-4d11-bc9b-cc2290851032\x2a\x0fsome_user_agent",
    ]
    .concat();
    let data = b"\x12\x0fexample_user_id\x1a\x12example_account_id\x20\x00";
    let head = [0x0A, u8::try_from(context.len()).unwrap()];
    assert_eq!(wire, [&head[..], &context, data].concat());
    assert_eq!(registry.logged_of_wire("TestEvent", &wire).unwrap(), logged);
    let event_type = registry.event_type("events.TestEvent").unwrap();
    assert_eq!(read_wire(event_type, &wire, now()).unwrap(), logged);
}

#[test]
fn numbers_as_texts_and_names_in_camel_case_are_taken() {
    let logged = with(|event| {
        event["context"]["sent_at"] = json!("1701530942");
        let id = event["context"]["message_id"].take();
        event["context"] = json!({
            "sentAt": 1_701_530_942.0, "receivedAt": 1_701_530_942, "processedAt": 1_701_530_942, "messageId": id,
            "userAgent": "some_user_agent"
        });
        event["data"] =
            json!({ "userId": "example_user_id", "accountId": "example_account_id", "userRole": 0 });
    });
    assert_eq!(logged.unwrap(), with(|_| {}).unwrap());
}

#[test]
fn an_unknown_name_comes_before_everything_else() {
    let error = with(|event| *event = json!({ "event_name": "Other", "context": 7, "more": 1 })).unwrap_err();
    assert!(matches!(error, EnvelopeError::Name(_)), "{error:?}");
}

#[test]
fn broken_rules_come_before_the_shape_and_are_told_together() {
    let error = with(|event| {
        event["context"]["sent_at"] = json!(1_795_338_001);
        event["context"]["received_at"] = json!(-1);
        event["context"]["processed_at"] = json!("now");
        event["context"]["message_id"] = json!("some_message_id_string");
        event["context"]["user_agent"] = json!("");
        event["data"]["colour"] = json!(1);
    })
    .unwrap_err();
    assert!(matches!(error, EnvelopeError::Rules(_)), "{error:?}");
    let expected = ["/context/sent_at", "/context/received_at", "/context/message_id", "/context/user_agent"];
    assert_eq!(paths(&error), expected);
}

#[test]
fn a_time_may_be_this_second_and_1970_and_no_further_away() {
    for (seconds, is_taken) in [(0, true), (1_795_338_000, true), (1_795_338_001, false), (-1, false)] {
        let outcome = with(|event| event["context"]["sent_at"] = json!(seconds));
        assert_eq!(outcome.is_ok(), is_taken, "{seconds}: {outcome:?}");
    }
    let beyond = with(|event| event["context"]["sent_at"] = json!(u64::MAX));
    assert!(matches!(beyond.unwrap_err(), EnvelopeError::Rules(_)));
}

#[test]
fn every_fault_of_the_shape_has_its_path() {
    let error = with(|event| {
        event["context"]["processed_at"] = json!("now");
        event["context"]["user_agent"] = Value::Null;
        event["context"]["other"] = json!(1);
        event["data"]["context"] = json!({});
        event["data"]["user_role"] = json!("KING");
        event["data"]["colour"] = json!(1);
        event["version"] = json!(1);
    })
    .unwrap_err();
    let mut found = paths(&error);
    found.sort_unstable();
    let expected = [
        "/context/other",
        "/context/processed_at",
        "/context/user_agent",
        "/data/colour",
        "/data/context",
        "/data/user_role",
        "/version",
    ];
    assert_eq!(found, expected);
}

#[test]
fn what_lacks_a_part_or_has_it_twice_is_told_so() {
    let told = |text: &str| match read(text, &shipped(), now()).unwrap_err() {
        EnvelopeError::Shape(faults) => {
            faults.into_iter().map(|fault| fault.path + " " + &fault.detail).collect()
        }
        other => vec![format!("{other:?}")],
    };
    let none = ["/event_name is required", "/context is required", "/data is required"];
    assert_eq!(told("{}"), none);
    let twice = r#"{"event_name":"TestEvent","data":{},"data":{},"context":[]}"#;
    assert_eq!(told(twice), ["/data stands twice", "/context must be an object, not an array"]);
    assert!(told("[1]")[0].contains("must be an object"));
    assert!(matches!(read("{", &shipped(), now()).unwrap_err(), EnvelopeError::Malformed(_)));
}

#[test]
fn the_wire_form_is_held_to_the_same_rules() {
    let registry = shipped();
    let event_type = registry.event_type("TestEvent").unwrap();
    let missing = read_wire(event_type, b"\x12\x01a", now()).unwrap_err();
    assert_eq!(paths(&missing).len(), 5);
    let broken = read_wire(event_type, b"\x0a\x05\x22\x03abc", now()).unwrap_err();
    assert!(matches!(broken, EnvelopeError::Rules(_)), "{broken:?}");
    assert!(matches!(read_wire(event_type, b"\xff", now()).unwrap_err(), EnvelopeError::Shape(_)));
}
