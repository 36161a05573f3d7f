//! An event as one line of JSON: what Weir knows of it, then its own members, in their own words.
//!
//! **Constraint.** Nothing that the client said is lost or re-written. An own member that is called like one of
//! [`OURS`] stands in the object `shadowed`, unless it says the same.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use weir_core::event::Record;
use weir_core::sink::Refusal;

use crate::fields::refusal;

/// Names that have a meaning of their own in a line.
const OURS: [&str; 12] = [
    "id",
    "stream",
    "occurred_at",
    "received_at",
    "user_id",
    "device_uuid",
    "app_version",
    "os_version",
    "user_agent",
    "client_ip",
    "log_id",
    "shadowed",
];

/// Appends the event's line, with its end.
pub(super) fn write(out: &mut Vec<u8>, record: &Record) -> Result<(), Refusal> {
    let body = std::str::from_utf8(&record.event.body).map_err(refusal)?.trim_ascii();
    let members = members(body).map_err(refusal)?;
    let start = out.len();
    let ours = ours(record);
    for (place, (name, text)) in ours.iter().enumerate() {
        out.push(if place == 0 { b'{' } else { b',' });
        write_text(out, name);
        out.push(b':');
        match text {
            Some(text) => write_text(out, text),
            None => out.extend_from_slice(b"null"),
        }
    }
    if members.iter().any(|(name, _)| is_ours(name)) {
        write_apart(out, &members, &ours);
    } else if !members.is_empty() {
        // All of it, but for its own braces.
        out.push(b',');
        out.extend_from_slice(&body.as_bytes()[1..body.len() - 1]);
    }
    out.push(b'}');
    flatten(&mut out[start..]);
    out.push(b'\n');
    Ok(())
}

/// What Weir knows; the first five always.
fn ours(record: &Record) -> Vec<(&'static str, Option<Cow<'_, str>>)> {
    let origin = record.origin.as_ref();
    let mut ours = vec![
        ("id", Some(record.event.id.to_string().into())),
        ("stream", Some(record.stream.as_str().into())),
        ("occurred_at", Some(record.event.occurred_at.to_string().into())),
        ("received_at", Some(record.received_at.to_string().into())),
        ("user_id", record.user_id().map(Into::into)),
    ];
    let further = [
        ("device_uuid", &origin.device_uuid),
        ("app_version", &origin.app_version),
        ("os_version", &origin.os_version),
        ("user_agent", &origin.user_agent),
        ("client_ip", &origin.client_ip),
    ];
    let told = further.into_iter().filter_map(|(name, text)| Some((name, Some(text.as_deref()?.into()))));
    ours.extend(told);
    ours.extend(record.event.client_id.as_deref().map(|id| ("log_id", Some(id.into()))));
    ours
}

fn is_ours(name: &str) -> bool {
    OURS.contains(&name)
}

/// The members whose names are free, then those that are not.
fn write_apart(out: &mut Vec<u8>, members: &Members<'_>, ours: &[(&str, Option<Cow<'_, str>>)]) {
    for member in members.iter().filter(|(name, _)| !is_ours(name)) {
        out.push(b',');
        write_member(out, member);
    }
    let says_the_same = |(name, value): &&(Cow<'_, str>, &RawValue)| {
        let told = ours.iter().find(|(own, _)| own == name);
        told.is_some_and(|(_, text)| {
            serde_json::from_str::<Option<String>>(value.get())
                .is_ok_and(|own| own.as_deref() == text.as_deref())
        })
    };
    let shadowed = members.iter().filter(|(name, _)| is_ours(name)).filter(|member| !says_the_same(member));
    for (place, member) in shadowed.clone().enumerate() {
        out.extend_from_slice(if place == 0 { b",\"shadowed\":{" } else { b"," });
        write_member(out, member);
    }
    if shadowed.count() > 0 {
        out.push(b'}');
    }
}

fn write_member(out: &mut Vec<u8>, (name, value): &(Cow<'_, str>, &RawValue)) {
    write_text(out, name);
    out.push(b':');
    out.extend_from_slice(value.get().as_bytes());
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    // Writing text into memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}

/// A line end can stand only between the parts of valid JSON, where a blank means the same.
fn flatten(line: &mut [u8]) {
    let mut from = 0;
    while let Some(at) = memchr::memchr2(b'\n', b'\r', &line[from..]) {
        line[from + at] = b' ';
        from += at + 1;
    }
}

type Members<'a> = Vec<(Cow<'a, str>, &'a RawValue)>;

fn members(body: &str) -> serde_json::Result<Members<'_>> {
    let mut json = serde_json::Deserializer::from_str(body);
    let members = json.deserialize_map(Reading)?;
    json.end()?;
    Ok(members)
}

struct Reading;

impl<'de> Visitor<'de> for Reading {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        #[derive(serde::Deserialize)]
        struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
        let mut members = Vec::with_capacity(16);
        while let Some((Text(name), value)) = map.next_entry()? {
            members.push((name, value));
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use std::sync::Arc;
    use weir_core::event::Origin;
    use weir_core::testkit::record;

    fn event(body: &str) -> Record {
        let mut record = record(7, "events", 0);
        record.event.body = body.to_owned().into();
        record
    }

    fn line(record: &Record) -> String {
        let mut out = Vec::new();
        write(&mut out, record).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_weir_knows_comes_first_and_the_events_own_members_as_they_came() {
        let mut record = event(r#"{"page":"/p", "n":1.50e400,"page":null}"#);
        record.event.client_id = Some("c-1".into());
        record.origin = Arc::new(Origin { user_agent: Some("a\"b".into()), ..Origin::default() });
        let id = record.event.id;
        let expected = format!(
            r#"{{"id":"{id}","stream":"events","occurred_at":"1970-01-01T00:00:07.000000Z","received_at":"1970-01-01T00:00:07.000000Z","user_id":null,"user_agent":"a\"b","log_id":"c-1","page":"/p", "n":1.50e400,"page":null}}"#
        );
        assert_eq!(line(&record), expected + "\n");
    }

    #[test]
    fn an_own_member_with_a_taken_name_stands_apart_unless_it_says_the_same() {
        let mut record = event(
            r#"{"id":5,"log_id":"c-1","a":1,"user_id":null,"stream":"mine","shadowed":[],"occurred_at":7}"#,
        );
        record.event.client_id = Some("c-1".into());
        let line: Value = serde_json::from_str(&line(&record)).unwrap();
        assert_eq!(line["shadowed"], json!({ "id": 5, "stream": "mine", "shadowed": [], "occurred_at": 7 }));
        assert_eq!((&line["a"], &line["log_id"]), (&json!(1), &json!("c-1")));
    }

    #[test]
    fn a_line_is_one_line() {
        let text = line(&event("{\r\n  \"a\" :\n 1\r\n}"));
        assert_eq!(text.find(['\n', '\r']), Some(text.len() - 1));
        let parsed: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(parsed["a"], 1);
        assert!(line(&event(" {} ")).ends_with("\"user_id\":null}\n"));
    }

    #[test]
    fn what_is_no_json_object_is_refused_and_leaves_nothing_behind() {
        for bad in ["", "1", "[]", "{", "{\"a\":1}x", "{\"a\":tru}"] {
            let mut out = b"before".to_vec();
            assert_eq!(write(&mut out, &event(bad)).unwrap_err().reason, "invalid_json", "{bad}");
            assert_eq!(out, b"before");
        }
    }

    proptest! {
        #[test]
        fn every_member_is_found_again(members in prop::collection::btree_map("[a-c\"é\n]{0,2}|id|log_id|shadowed", any::<i32>(), 0..8)) {
            let body = serde_json::to_string_pretty(&members).unwrap();
            let text = line(&event(&body));
            let parsed: Value = serde_json::from_str(&text).unwrap();
            for (name, value) in &members {
                let at = if is_ours(name) { &parsed["shadowed"] } else { &parsed };
                prop_assert_eq!(&at[name], &json!(value), "{} in {}", name, text);
            }
        }
    }
}
