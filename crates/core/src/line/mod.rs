//! An event as one object of JSON: what Weir knows of it, then its own members, in their own words.
//!
//! **Constraint.** Nothing that the client said is lost or re-written. An own member that is called like one of
//! [`TOLD`], or `shadowed`, stands in the object `shadowed`, unless it says the same. [`Own`] tells how the event comes
//! out again.

pub mod members;
mod own;

use std::borrow::Cow;
use std::sync::Arc;

use serde::de::Error as _;
use serde_json::value::RawValue;

use crate::event::{ID_TEXT_BYTES, Origin, Record};
use crate::time::Timestamp;
use members::{Members, Names, members, names};
pub use own::Own;

/// Members of a line that say what headers say elsewhere.
pub const TOLD: [&str; 11] = [
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
];
/// The member with what is called like one of these.
const SHADOWED: &str = "shadowed";

/// What the last line said, as it is written: the events of a request have much in common.
#[derive(Default)]
pub struct Last {
    occurred_at: Option<(Timestamp, String)>,
    received_at: Option<(Timestamp, String)>,
    origin: Option<(Arc<Origin>, Vec<u8>)>,
}

impl Last {
    /// When it occurred, as it is written.
    pub(crate) fn occurred_at(&mut self, at: Timestamp) -> &str {
        text(&mut self.occurred_at, at)
    }

    /// When it came in, as it is written.
    pub(crate) fn received_at(&mut self, at: Timestamp) -> &str {
        text(&mut self.received_at, at)
    }

    /// The members that say whence the record came.
    fn origin(&mut self, record: &Record) -> &[u8] {
        let same = self.origin.take().filter(|(last, _)| Arc::ptr_eq(last, &record.origin));
        let written = || {
            let mut members = Vec::new();
            for (name, text) in origin(&record.origin) {
                write_known_text(&mut members, name, text);
            }
            (record.origin.clone(), members)
        };
        &self.origin.insert(same.unwrap_or_else(written)).1
    }
}

fn text(last: &mut Option<(Timestamp, String)>, at: Timestamp) -> &str {
    let same = last.take().filter(|(last, _)| *last == at);
    &last.insert(same.unwrap_or_else(|| (at, at.to_string()))).1
}

/// Appends the event. Fails, and appends nothing, where it is not one valid JSON object.
pub fn write(out: &mut Vec<u8>, record: &Record, last: &mut Last) -> serde_json::Result<Own> {
    let body = std::str::from_utf8(&record.event.body).map_err(serde_json::Error::custom)?.trim_ascii();
    let names = names(body, is_ours)?;
    let start = out.len();
    write_known(out, record, last);
    let own = match names {
        Names::None => Own::From(out.len() - start),
        // All of it, but for its own braces.
        Names::Free => {
            out.push(b',');
            let from = out.len() - start;
            out.extend_from_slice(&body.as_bytes()[1..body.len() - 1]);
            Own::From(from)
        }
        Names::SomeTaken => Own::Apart(write_apart(out, &members(body)?, record)),
    };
    out.push(b'}');
    Ok(own)
}

/// What Weir knows; the first five always.
fn write_known(out: &mut Vec<u8>, record: &Record, last: &mut Last) {
    out.extend_from_slice(b"{\"id\":\"");
    out.extend_from_slice(record.event.id.encode(&mut [0; ID_TEXT_BYTES]).as_bytes());
    out.extend_from_slice(b"\",\"stream\":\"");
    // A stream's name and a moment hold nothing that JSON would escape.
    out.extend_from_slice(record.stream.as_str().as_bytes());
    out.extend_from_slice(b"\",\"occurred_at\":\"");
    out.extend_from_slice(last.occurred_at(record.event.occurred_at).as_bytes());
    out.extend_from_slice(b"\",\"received_at\":\"");
    out.extend_from_slice(last.received_at(record.received_at).as_bytes());
    out.extend_from_slice(b"\",\"user_id\":");
    match record.user_id() {
        Some(user) => write_text(out, user),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(last.origin(record));
    write_known_text(out, "log_id", record.event.client_id.as_deref());
}

fn write_known_text(out: &mut Vec<u8>, name: &str, text: Option<&str>) {
    if let Some(text) = text {
        out.push(b',');
        write_text(out, name);
        out.push(b':');
        write_text(out, text);
    }
}

fn origin(origin: &Origin) -> [(&'static str, Option<&str>); 5] {
    [
        ("device_uuid", origin.device_uuid.as_deref()),
        ("app_version", origin.app_version.as_deref()),
        ("os_version", origin.os_version.as_deref()),
        ("user_agent", origin.user_agent.as_deref()),
        ("client_ip", origin.client_ip.as_deref()),
    ]
}

/// What the line says under this name already; within, none for null.
fn said(record: &Record, name: &str) -> Option<Option<String>> {
    match name {
        "id" => Some(Some(record.event.id.to_string())),
        "stream" => Some(Some(record.stream.to_string())),
        "occurred_at" => Some(Some(record.event.occurred_at.to_string())),
        "received_at" => Some(Some(record.received_at.to_string())),
        "user_id" => Some(record.user_id().map(str::to_owned)),
        "log_id" => record.event.client_id.as_deref().map(|text| Some(text.to_owned())),
        _ => {
            let text = origin(&record.origin).into_iter().find(|(own, _)| *own == name)?.1?;
            Some(Some(text.to_owned()))
        }
    }
}

/// The name where it has a meaning of its own in a line.
fn ours(name: &str) -> Option<&'static str> {
    TOLD.into_iter().chain([SHADOWED]).find(|ours| *ours == name)
}

fn is_ours(name: &str) -> bool {
    ours(name).is_some()
}

/// The members whose names are free, then those that are not. Gives the names of those that say what is said already.
fn write_apart(out: &mut Vec<u8>, members: &Members<'_>, record: &Record) -> Vec<&'static str> {
    for member in members.iter().filter(|(name, _)| !is_ours(name)) {
        out.push(b',');
        write_member(out, member);
    }
    let (mut restated, mut shadowed) = (Vec::new(), Vec::new());
    for member @ (name, value) in members {
        let Some(ours) = ours(name) else { continue };
        let own = serde_json::from_str::<Option<String>>(value.get()).ok();
        match own.is_some() && own == said(record, ours) {
            true => restated.push(ours),
            false => shadowed.push(member),
        }
    }
    for (place, member) in shadowed.iter().enumerate() {
        out.extend_from_slice(if place == 0 { b",\"shadowed\":{" } else { b"," });
        write_member(out, member);
    }
    if !shadowed.is_empty() {
        out.push(b'}');
    }
    restated
}

/// Appends a member.
pub fn write_member(out: &mut Vec<u8>, (name, value): &(Cow<'_, str>, &RawValue)) {
    write_text(out, name);
    out.push(b':');
    out.extend_from_slice(value.get().as_bytes());
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    // Writing text into memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::record;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn event(body: &str) -> Record {
        let mut record = record(7, "events", 0);
        record.event.body = body.to_owned().into();
        record
    }

    fn line(record: &Record) -> String {
        let mut out = Vec::new();
        write(&mut out, record, &mut Last::default()).unwrap();
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
        assert_eq!(line(&record), expected);
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
    fn what_is_no_json_object_is_refused_and_leaves_nothing_behind() {
        for bad in ["", "1", "[]", "{", "{\"a\":1}x", "{\"a\":tru}"] {
            let mut out = b"before".to_vec();
            assert!(write(&mut out, &event(bad), &mut Last::default()).is_err(), "{bad}");
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
