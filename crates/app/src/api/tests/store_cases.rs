//! What is sent to `/store`: a name, and how it differs from the original's own example.

use serde_json::{Value, json};

/// One request.
pub struct Case {
    pub name: &'static str,
    pub content_type: Option<&'static str>,
    pub body: Vec<u8>,
}

/// The original's own example.
pub fn example() -> Value {
    json!({
        "event_name": "TestEvent",
        "context": {
            "sent_at": 1_701_530_942, "received_at": 1_701_530_942, "processed_at": 1_701_530_942,
            "message_id": "36eca638-4c0f-4d11-bc9b-cc2290851032", "user_agent": "some_user_agent"
        },
        "data": { "user_id": "example_user_id", "account_id": "example_account_id", "user_role": "OWNER" }
    })
}

/// All of them.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(values().into_iter().map(|(name, pointer, value)| {
        let mut event = example();
        put(&mut event, pointer, value);
        case(name, event.to_string())
    }));
    cases.extend(absences().into_iter().map(|(name, pointer)| {
        let mut event = example();
        let (above, member) = pointer.rsplit_once('/').unwrap();
        event.pointer_mut(above).unwrap().as_object_mut().unwrap().remove(member);
        case(name, event.to_string())
    }));
    cases.extend(bodies().into_iter().map(|(name, body)| case(name, body)));
    cases.extend(
        types()
            .into_iter()
            .map(|(name, content_type)| Case { content_type, ..case(name, example().to_string()) }),
    );
    cases.push(Case { body: b"{\"event_name\":\"\xFF\"}".to_vec(), ..case("a body that is not UTF-8", "") });
    cases
}

fn case(name: &'static str, body: impl Into<Vec<u8>>) -> Case {
    Case { name, content_type: Some("application/json"), body: body.into() }
}

/// Sets a member that may not be there.
fn put(event: &mut Value, pointer: &str, value: Value) {
    let (above, member) = pointer.rsplit_once('/').unwrap();
    event.pointer_mut(above).unwrap()[member] = value;
}

fn values() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("another type", "/event_name", json!("YetAnotherTestEvent")),
        ("the full name", "/event_name", json!("events.TestEvent")),
        ("a type that is not there", "/event_name", json!("another_event_name")),
        ("a type that has no context", "/event_name", json!("EventContext")),
        ("a name that is a number", "/event_name", json!(7)),
        ("a name that is null", "/event_name", Value::Null),
        ("a time in the future", "/context/received_at", json!(2_701_530_942_u64)),
        ("a time before 1970", "/context/processed_at", json!(-3)),
        ("a time beyond all numbers", "/context/sent_at", json!(1e30)),
        ("the first second", "/context/sent_at", json!(0)),
        ("a time as text", "/context/sent_at", json!("1701530942")),
        ("a time in words", "/context/sent_at", json!("2023-12-02T15:29:02Z")),
        ("half a second", "/context/sent_at", json!(1.5)),
        ("a time that is null", "/context/sent_at", Value::Null),
        ("an id that is no UUID", "/context/message_id", json!("some_message_id_string")),
        ("an id without hyphens", "/context/message_id", json!("36eca6384c0f4d11bc9bcc2290851032")),
        ("an id that is a number", "/context/message_id", json!(5)),
        ("an empty user agent", "/context/user_agent", json!("")),
        ("a context that is text", "/context", json!("context")),
        ("a context that is an array", "/context", json!([])),
        ("an unknown member in the context", "/context/session", json!("s")),
        ("data that is an array", "/data", json!([])),
        ("data that is null", "/data", Value::Null),
        ("empty data", "/data", json!({})),
        ("a member that the type does not have", "/data/colour", json!("red")),
        ("a role that is not there", "/data/user_role", json!("KING")),
        ("a role's number that is not there", "/data/user_role", json!(3)),
        ("a role's number", "/data/user_role", json!(2)),
        ("a role in small letters", "/data/user_role", json!("owner")),
        ("text that is a number", "/data/user_id", json!(5)),
        ("a member in camel case beside itself", "/data/userId", json!("x")),
        ("a null member", "/data/user_id", Value::Null),
        ("the context in the data", "/data/context", json!({})),
        ("an unknown member beside the three", "/version", json!(1)),
    ]
}

fn absences() -> Vec<(&'static str, &'static str)> {
    vec![
        ("no name", "/event_name"),
        ("no context", "/context"),
        ("no data", "/data"),
        ("no time of sending", "/context/sent_at"),
        ("no id", "/context/message_id"),
        ("no user agent", "/context/user_agent"),
    ]
}

fn bodies() -> Vec<(&'static str, String)> {
    let example = example().to_string();
    let all_wrong = json!({
        "event_name": "TestEvent",
        "context": { "sent_at": [], "message_id": {}, "user_agent": 1 },
        "data": { "user_id": [], "account_id": {}, "user_role": true }
    });
    let all_rules = json!({
        "event_name": "TestEvent",
        "context": {
            "sent_at": -1, "received_at": 4e9, "processed_at": "-1", "message_id": "no", "user_agent": ""
        },
        "data": { "colour": 1 }
    });
    vec![
        ("an empty body", String::new()),
        ("an empty object", "{}".to_owned()),
        ("an array of events", format!("[{example}]")),
        ("two events", format!("{example}\n{example}")),
        ("no JSON", "event".to_owned()),
        ("JSON that ends too early", example[..example.len() - 1].to_owned()),
        ("a number that is too large for JSON", example.replace("1701530942", "1e999")),
        ("a member twice", example.replace("\"user_role\":", "\"user_id\":\"x\",\"user_role\":")),
        ("data twice", example.replace("{\"context\"", "{\"data\":{},\"context\"")),
        ("everything of the wrong type", all_wrong.to_string()),
        ("every rule broken", all_rules.to_string()),
        ("nesting without end", format!("{{\"event_name\":{}", "[".repeat(100_000))),
    ]
}

fn types() -> Vec<(&'static str, Option<&'static str>)> {
    vec![
        ("a charset that is taken", Some("application/json; charset=utf-8")),
        ("a charset that is not", Some("application/json; charset=latin1")),
        ("no content type", None),
        ("text", Some("text/plain")),
        ("a form, as curl -d sends it", Some("application/x-www-form-urlencoded")),
        ("lines", Some("application/x-ndjson")),
        ("something like JSON", Some("application/vnd.api+json")),
    ]
}
