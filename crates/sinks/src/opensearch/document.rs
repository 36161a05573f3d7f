//! An event as a document. Written by hand, so that the client's numbers keep their digits.
//!
//! `param` and `extra` can be searched where they are objects of moderate size. What the store's type for that does
//! not take (text, numbers, arrays; terms beyond Lucene's 32,766 bytes) stands under `param_unindexed` and
//! `extra_unindexed` instead, kept and shown but not searched, so that no event is refused for it.

use weir_core::event::Record;
use weir_core::sink::Refusal;

use super::column::Kind;
use crate::columns::Mapping;
use crate::fields::{EVENTS, Fields};

/// No term can be longer than the text it is made from, and its path goes before it.
const SEARCHED_MAX_BYTES: usize = 30_000;

/// Appends the event's document, on one line. Where it is refused, a part of it may have been written.
pub(super) fn write(out: &mut Vec<u8>, record: &Record, mapping: &Mapping<Kind>) -> Result<(), Refusal> {
    let (fields, values) = mapping.read(record)?;
    let origin = record.origin.as_ref();
    let mut document = Object::begin(out);
    document.text_or_null("user_id", record.user_id());
    document.text_or_null("device_uuid", origin.device_uuid.as_deref());
    document.text_or_null("app_version", origin.app_version.as_deref());
    document.text_or_null("os_version", origin.os_version.as_deref());
    document.text_or_null("user_agent", origin.user_agent.as_deref());
    document.text("client_ip", origin.client_ip.as_deref());
    if record.stream.as_str() == EVENTS {
        write_event_info(document.name("event_info"), &fields);
    }
    document.text("log_id", record.event.client_id.as_deref());
    document.text("stream", Some(record.stream.as_str()));
    document.text("occurred_at", Some(&record.event.occurred_at.to_string()));
    document.text("received_at", Some(&record.received_at.to_string()));
    if let Some(extra) = &fields.extra {
        document.json(if is_searched(extra) { "extra" } else { "extra_unindexed" }, extra);
    }
    for (column, value) in mapping.columns().iter().zip(&values) {
        let json = column.kind.json(value).ok_or_else(|| column.refusal(value))?;
        document.json(&column.name, &json);
    }
    document.end();
    Ok(())
}

fn write_event_info(out: &mut Vec<u8>, fields: &Fields<'_>) {
    let mut info = Object::begin(out);
    info.text_or_null("page", fields.page.as_deref());
    info.text_or_null("event", fields.event.as_deref());
    info.text_or_null("label", fields.label.as_deref());
    info.text_or_null("target", fields.target.as_deref());
    info.text_or_null("section", fields.section.as_deref());
    match fields.param {
        Some(param) if !is_searched(param) => info.json("param_unindexed", param),
        param => info.json("param", param.unwrap_or("null")),
    }
    info.end();
}

fn is_searched(json: &str) -> bool {
    json.starts_with('{') && json.len() <= SEARCHED_MAX_BYTES
}

/// A JSON object under construction.
struct Object<'a> {
    out: &'a mut Vec<u8>,
    is_empty: bool,
}

impl<'a> Object<'a> {
    fn begin(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, is_empty: true }
    }

    /// The member's name; its value is to follow.
    fn name(&mut self, name: &str) -> &mut Vec<u8> {
        if !std::mem::replace(&mut self.is_empty, false) {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    fn text(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            write_text(self.name(name), value);
        }
    }

    fn text_or_null(&mut self, name: &str, value: Option<&str>) {
        match value {
            Some(value) => write_text(self.name(name), value),
            None => self.json(name, "null"),
        }
    }

    /// JSON text as it is, but that line ends, which can stand only between its parts, would end the document.
    fn json(&mut self, name: &str, value: &str) {
        let out = self.name(name);
        let start = out.len();
        out.extend_from_slice(value.as_bytes());
        for byte in &mut out[start..] {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
    }

    fn end(self) {
        self.out.push(b'}');
    }
}

/// A string with its escapes.
pub(super) fn write_text(out: &mut Vec<u8>, text: &str) {
    let plain = |byte: &u8| *byte >= 0x20 && *byte != b'"' && *byte != b'\\';
    if text.as_bytes().iter().all(plain) {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        // Writing text into memory cannot fail.
        let _ = serde_json::to_writer(out, text);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use weir_core::event::Origin;
    use weir_core::testkit::record;

    fn document(stream: &str, body: &str) -> String {
        let mut record = record(1_767_225_600, stream, 0);
        record.event.body = body.to_owned().into();
        record.origin = Arc::new(Origin { user_agent: Some("a\"b".to_owned()), ..Origin::default() });
        let mut out = Vec::new();
        write(&mut out, &record, &Mapping::default()).unwrap();
        String::from_utf8(out).unwrap()
    }

    const TIMES: &str =
        r#""occurred_at":"2026-01-01T00:00:00.000000Z","received_at":"2026-01-01T00:00:00.000000Z""#;

    #[test]
    fn an_event_has_the_documented_shape() {
        let written =
            document("events", r#"{"page":"/","event":"e","label":"ü\n","param":{"n":1.00},"x":[1e400]}"#);
        let expected = format!(
            r#"{{"user_id":null,"device_uuid":null,"app_version":null,"os_version":null,"user_agent":"a\"b","event_info":{{"page":"/","event":"e","label":"ü\n","target":null,"section":null,"param":{{"n":1.00}}}},"stream":"events",{TIMES},"extra":{{"x":[1e400]}}}}"#
        );
        assert_eq!(written, expected);
    }

    #[test]
    fn of_another_stream_the_whole_object_is_extra() {
        let written = document("actions", r#"{"page":1}"#);
        assert!(
            written.ends_with(&format!(
                r#""user_agent":"a\"b","stream":"actions",{TIMES},"extra":{{"page":1}}}}"#
            )),
            "{written}"
        );
    }

    #[test]
    fn what_cannot_be_searched_stands_apart() {
        for param in ["5", "\"text\"", "[1]", "true"] {
            let written = document("events", &format!(r#"{{"page":"/","event":"e","param":{param}}}"#));
            assert!(written.contains(&format!(r#""section":null,"param_unindexed":{param}}}"#)), "{written}");
        }
        let long = format!(r#"{{"t":"{}"}}"#, "x".repeat(SEARCHED_MAX_BYTES));
        assert!(document("actions", &long).contains(r#""extra_unindexed":{"t""#));
    }

    #[test]
    fn a_document_is_one_line_whatever_stands_between_its_parts() {
        let written =
            document("events", "{\"page\":\"/\",\r\n\"event\":\"e\",\"param\":{\n\"a\":\r1},\"x\":[\n]}");
        assert!(!written.contains(['\n', '\r']), "{written}");
        assert!(
            written.contains(r#""param":{ "a": 1}"#) && written.contains(r#""extra":{"x":[ ]}"#),
            "{written}"
        );
    }
}
