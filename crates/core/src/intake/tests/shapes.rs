//! Events that are made of what was sent: by the registry, and out of other formats than JSON.

use super::*;
use crate::schema::Registry;
use crate::schema::tests::{event, registry};

fn types() -> Registry {
    registry(&[(
        "e.proto",
        &format!(
            "syntax = \"proto3\"; {} message Page {{ string page = 1; string event = 2; }}",
            event("string a = 2;")
        ),
    )])
}

fn store() -> Stream {
    Stream::new("store").unwrap()
}

/// An event as `/store` takes it.
fn envelope(id: &str, data: &str) -> String {
    let context = format!(
        r#"{{"sent_at":1701530942,"received_at":7,"processed_at":8,"message_id":"{id}","user_agent":"curl"}}"#
    );
    format!(r#"{{"event_name":"E","context":{context},"data":{data}}}"#)
}

const ID: &str = "36eca638-4c0f-4d11-bc9b-cc2290851032";

#[tokio::test]
async fn an_envelope_is_checked_and_logged_under_its_message_id() {
    let (door, types, store) = (Door::open(), types(), store());
    let body = [envelope(ID, r#"{"a":"x"}"#), envelope("no", "{}"), envelope(ID, r#"{"b":1}"#)].join("\n");
    let body = Bytes::from(body);
    let submission = Submission { stream: &store, shape: Shape::Envelope(&types), ..door.submission(&body) };
    let outcome = door.intake.accept(submission).await.unwrap();
    assert_eq!(codes(&outcome), [(1, "context"), (2, "schema")]);
    let record = door.records().await.remove(0);
    assert_eq!(record.event.client_id.as_deref(), Some(ID));
    assert_eq!(record.event.occurred_at.to_string(), "2023-12-02T15:29:02.000000Z");
    assert!(record.event.body.starts_with(b"{\"event_name\":\"E\",\"context\":{\"sentAt\":\"1701530942\""));
    let wire = types.wire_of_logged(&record.event.body).unwrap();

    let (body, shape) = (Bytes::from(wire), Shape::StoreMessage(types.event_type("E").unwrap()));
    let submission =
        Submission { stream: &store, format: BodyFormat::Message, shape, ..door.submission(&body) };
    let again = door.intake.accept(submission).await.unwrap();
    assert_eq!(again.ids, outcome.ids, "the same event on the wire is the same event");
    assert_eq!(door.records().await[1].event.body, record.event.body);
}

#[tokio::test]
async fn messages_of_any_type_become_events_of_any_stream() {
    let (door, types) = (Door::open(), types());
    let message = types.message("Page").unwrap();
    let body = Bytes::from_static(b"\x06\x0a\x01/\x12\x01e\x03\x0a\x01/\x02\x18\x01\x01\xff");
    let shape = Shape::Message(&message);
    let submission = Submission { format: BodyFormat::Messages, shape, ..door.submission(&body) };
    let outcome = door.intake.accept(submission).await.unwrap();
    assert_eq!(codes(&outcome), [(1, "missing_member"), (2, "schema"), (3, "schema")]);
    assert_eq!(door.records().await[0].event.body, "{\"page\":\"/\",\"event\":\"e\"}");
}

#[tokio::test]
async fn messages_that_would_be_too_large_as_json_are_refused_together() {
    let door = Door::open();
    let name = "x".repeat(5_000);
    let types =
        registry(&[("l.proto", &format!("syntax = \"proto3\"; message Long {{ bool {name} = 1; }}"))]);
    let (message, body) = (types.message("Long").unwrap(), Bytes::from(b"\x02\x08\x01".repeat(20_000)));
    let shape = Shape::Message(&message);
    let submission = Submission { format: BodyFormat::Messages, shape, ..door.submission(&body) };
    assert!(matches!(door.intake.accept(submission).await, Err(IntakeError::TooLarge)));
    assert!(door.records().await.is_empty());
}

#[tokio::test]
async fn texts_of_other_formats_may_be_times_ids_and_users() {
    let door = Door::open();
    for (format, body) in [
        (BodyFormat::Csv, "page,event,log_id,occurred_at\n/,e,1,1701530942\n/,e,2,2023-12-02T15:29:02Z\n"),
        (BodyFormat::Form, "page=/&event=e&log_id=3&occurred_at=1701530942000.5"),
    ] {
        let body = Bytes::from(body);
        let submission = Submission { format, ..door.submission(&body) };
        assert_eq!(door.intake.accept(submission).await.unwrap().rejected, []);
    }
    let at: Vec<i64> =
        door.records().await.iter().map(|record| record.event.occurred_at.as_micros()).collect();
    assert_eq!(at, [1_701_530_942_000_000, 1_701_530_942_000_000, 1_701_530_942_000_500]);
}
