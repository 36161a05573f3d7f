//! Events at the edges of what may come, with what must be found in a store afterwards.

use std::sync::Arc;

use super::contract::Columns;
use crate::event::{Event, EventId, Offset, Origin, Record, Stream};
use crate::testkit::world::TestClock;
use crate::time::Timestamp;

/// An event, and how it must read once it is stored.
pub(super) struct Case {
    pub record: Record,
    pub expected: Columns,
}

impl Case {
    /// An event of this scenario, at this place in it, with the members that are given beside `page` and `event`.
    pub fn new(scenario: &str, place: usize, members: &str) -> Self {
        let comma = if members.is_empty() { "" } else { "," };
        let body = format!(r#"{{"page":"/p/{place}","event":"{scenario}"{comma}{members}}}"#);
        Self::with_body(scenario, place, "events", body).expect(|columns| {
            columns.page = Some(format!("/p/{place}"));
            columns.event = Some(scenario.to_owned());
        })
    }

    /// An event of any stream with exactly this body.
    pub fn with_body(scenario: &str, place: usize, stream: &str, body: String) -> Self {
        #[expect(clippy::expect_used, reason = "a suite tells by panicking")]
        let stream = Stream::new(stream).expect("the suite names valid streams");
        let at = Timestamp::from_micros(TestClock::BEGIN + place as i64);
        let record = Record {
            offset: Offset(place as u64),
            received_at: at,
            origin: Arc::new(Origin::default()),
            event: Event {
                id: EventId::named(&stream, scenario, &place.to_string()),
                occurred_at: at,
                client_id: None,
                user_id: None,
                body: body.into(),
            },
            stream,
        };
        let expected = Columns {
            stream: record.stream.to_string(),
            occurred_at: at.to_string(),
            received_at: at.to_string(),
            ..Columns::default()
        };
        Self { record, expected }
    }

    /// Changes what must be found.
    pub fn expect(mut self, change: impl FnOnce(&mut Columns)) -> Self {
        change(&mut self.expected);
        self
    }

    /// Changes the event.
    pub fn but(mut self, change: impl FnOnce(&mut Record)) -> Self {
        change(&mut self.record);
        self
    }
}

/// `count` plain events.
pub(super) fn plain(scenario: &str, count: usize) -> Vec<Case> {
    (0..count).map(|place| Case::new(scenario, place, "")).collect()
}

/// Every text that is awkward for a store, in a column, in `param` and in `extra`.
pub(super) fn texts() -> Vec<Case> {
    let awkward = [
        "",
        " ",
        "null",
        "'",
        "\"",
        "\\",
        "a\nb\r\tc",
        "\u{0}",
        "\u{7f}",
        "é",
        "e\u{301}",
        "中文",
        "🦀",
        "\u{10FFFF}",
        "\u{FEFF}",
        "\u{2028}",
        "');drop table events;--",
        "{}",
        "{\"create\":{}}",
        "%s%n",
        "0",
        "-0",
        "1e5",
        "true",
        "2026-01-01T00:00:00Z",
    ];
    let mut cases = Vec::new();
    for (place, text) in awkward.into_iter().enumerate() {
        let json = serde_json::Value::from(text).to_string();
        let members = format!(r#""label":{json},"param":{{"t":{json}}},"more":{json}"#);
        cases.push(Case::new("texts", place, &members).expect(|columns| {
            columns.label = Some(text.to_owned());
            columns.param = Some(format!(r#"{{"t":{json}}}"#));
            columns.extra = Some(format!(r#"{{"more":{json}}}"#));
        }));
    }
    cases
}

/// Every shape that `param` may have, and numbers that no machine type holds.
pub(super) fn values() -> Vec<Case> {
    let values = [
        "0",
        "-0",
        "-0.0",
        "1.0",
        "1.50",
        "1e400",
        "1E-400",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775809",
        "123456789012345678901234567890.123456789",
        "true",
        "false",
        "\"\"",
        "\"text\"",
        "[]",
        "[1,[2,[{}]]]",
        "[null]",
        "{}",
        r#"{"":1}"#,
        r#"{"a.b":{"c":null}}"#,
        r#"{".":[],"..":{}}"#,
        r#"{"a":1e400,"b":[-0.0,{"c":"x"}]}"#,
        "[{\"a\":1},{\"a\":\"x\"}]",
        r#"{"a":{"b":{"c":{"d":[[[[{"e":1}]]]]}}}}"#,
    ];
    let mut cases: Vec<Case> = Vec::new();
    for (place, value) in values.into_iter().enumerate() {
        let members = format!(r#""param":{value},"x":{value}"#);
        cases.push(Case::new("values", place, &members).expect(|columns| {
            columns.param = Some(value.to_owned());
            columns.extra = Some(format!(r#"{{"x":{value}}}"#));
        }));
    }
    let nulls = r#""label":null,"target":null,"section":null,"param":null,"x":null"#;
    let nulls = Case::new("values", cases.len(), nulls);
    cases.push(nulls.expect(|columns| columns.extra = Some(r#"{"x":null}"#.to_owned())));
    cases
}

/// Last that a signed 64-bit count of nanoseconds cannot hold, and those around the epoch.
pub(super) fn moments() -> Vec<Case> {
    let texts = [
        "0001-01-01T00:00:00.000000Z",
        "1677-09-21T00:12:43.145224Z",
        "1969-12-31T23:59:59.999999Z",
        "1970-01-01T00:00:00.000000Z",
        "2026-02-28T23:59:59.000001Z",
        "2262-04-11T23:47:16.854776Z",
        "9999-12-30T21:59:59.999999Z",
    ];
    let mut cases = Vec::new();
    for (place, text) in texts.into_iter().enumerate() {
        let case = Case::new("moments", place, "").but(|record| {
            record.event.occurred_at = Timestamp::parse(text).unwrap_or_default();
        });
        cases.push(case.expect(|columns| columns.occurred_at = text.to_owned()));
    }
    cases
}

/// Everything that is not in the bytes: the client's id, the user, where it came from.
pub(super) fn origins() -> Vec<Case> {
    let origin = Origin {
        credential: "key:never-stored".to_owned(),
        user_id: Some("subject".to_owned()),
        device_uuid: Some("device".to_owned()),
        app_version: Some("1.0".to_owned()),
        os_version: Some("os 2".to_owned()),
        user_agent: Some("agent/3 (é)".to_owned()),
        client_ip: Some("2001:db8::1".to_owned()),
    };
    let full = |place| {
        let case = Case::new("origins", place, r#""log_id":"x","occurred_at":5"#);
        let origin = Arc::new(origin.clone());
        case.but(|record| (record.origin, record.event.client_id) = (origin, Some("my-id".into()))).expect(
            |columns| {
                columns.log_id = Some("my-id".to_owned());
                columns.user_id = Some("subject".to_owned());
                columns.device_uuid = Some("device".to_owned());
                columns.app_version = Some("1.0".to_owned());
                columns.os_version = Some("os 2".to_owned());
                columns.user_agent = Some("agent/3 (é)".to_owned());
                columns.client_ip = Some("2001:db8::1".to_owned());
            },
        )
    };
    let own_user = full(1)
        .but(|record| record.event.user_id = Some("own".into()))
        .expect(|columns| columns.user_id = Some("own".to_owned()));
    let odd_address = full(2)
        .but(|record| {
            record.origin = Arc::new(Origin {
                client_ip: Some("not an address".to_owned()),
                ..Origin::clone(&record.origin)
            });
        })
        .expect(|columns| columns.client_ip = Some("not an address".to_owned()));
    vec![full(0), own_user, odd_address]
}

/// Events of other streams, whose whole object is `extra`, whatever its members are called.
pub(super) fn other_streams() -> Vec<Case> {
    let bodies = [
        ("actions", r#"{"kind":"tap","page":"not a column","n":1.00}"#.to_owned()),
        ("Order-77", "{}".to_owned()),
        ("x.y_z", format!(r#"{{"deep":{}1{}}}"#, "[".repeat(98), "]".repeat(98))),
    ];
    let cases = bodies.into_iter().enumerate().map(|(place, (stream, body))| {
        let case = Case::with_body("other", place, stream, body.clone());
        case.expect(|columns| columns.extra = Some(body))
    });
    cases.collect()
}

/// Events of about a mebibyte: in a column, in one member of `param`, in many, and as an array.
pub(super) fn large() -> Vec<Case> {
    const SIZE: usize = 1 << 20;
    let text = "x".repeat(SIZE);
    let many: Vec<String> = (0..SIZE / 16).map(|number| format!("\"k{number:06}\":12")).collect();
    let many = format!("{{{}}}", many.join(","));
    let array = format!("[{}1]", "1,".repeat(SIZE / 2));
    let param = |place: usize, param: String| {
        let case = Case::new("large", place, &format!(r#""param":{param}"#));
        case.expect(|columns| columns.param = Some(param))
    };
    let label = Case::new("large", 0, &format!(r#""label":"{text}""#));
    vec![
        label.expect(|columns| columns.label = Some(text.clone())),
        param(1, format!(r#"{{"t":"{text}"}}"#)),
        param(2, many.clone()),
        param(3, array),
        Case::new("large", 4, &format!(r#""more":{many}"#))
            .expect(|columns| columns.extra = Some(format!(r#"{{"more":{many}}}"#))),
    ]
}
