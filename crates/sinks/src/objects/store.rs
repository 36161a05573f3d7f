//! Events of `/store` as lines: the Protobuf JSON alone, in the hour in which the sender had received them.

use serde_json::value::RawValue;
use weir_core::event::Record;
use weir_core::formats::pick::{Pointer, pick};
use weir_core::line::members::members;
use weir_core::line::write_member;
use weir_core::schema::{EVENT_NAME, STORE};
use weir_core::sink::Refusal;
use weir_core::time::Timestamp;

use crate::fields::refusal;

pub(super) fn is_store(record: &Record) -> bool {
    record.stream.as_str() == STORE
}

/// The context's word on when the event was received; `None` where it has none that can be read.
pub(super) fn received_at(record: &Record) -> Option<Timestamp> {
    let text = std::str::from_utf8(&record.event.body).ok()?;
    let found = pick(text, &[Pointer::parse("/context/receivedAt")?]).ok()?;
    // As Protobuf's JSON has it: digits in a string, or a number.
    let seconds = found.first().copied().flatten().map(RawValue::get)?.trim_matches('"');
    seconds.parse().ok().and_then(Timestamp::from_number)
}

/// Appends the message's members, without the name that the log keeps beside them.
pub(super) fn write(out: &mut Vec<u8>, record: &Record) -> Result<(), Refusal> {
    let body = std::str::from_utf8(&record.event.body).map_err(refusal)?.trim_ascii();
    let mut separator = b'{';
    for member in members(body).map_err(refusal)?.iter().filter(|(name, _)| name != EVENT_NAME) {
        out.push(separator);
        write_member(out, member);
        separator = b',';
    }
    if separator == b'{' {
        out.push(b'{');
    }
    out.push(b'}');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_core::testkit::record;

    fn event(body: &str) -> Record {
        let mut record = record(7, STORE, 0);
        record.event.body = body.to_owned().into();
        record
    }

    fn line(body: &str) -> String {
        let mut out = Vec::new();
        write(&mut out, &event(body)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_is_the_message_alone() {
        let body = r#"{"event_name":"TestEvent","context":{"receivedAt":"7"},"userId":"é"}"#;
        assert_eq!(line(body), r#"{"context":{"receivedAt":"7"},"userId":"é"}"#);
        assert_eq!(line(r#"{"userId":"a","event_name":"TestEvent"}"#), r#"{"userId":"a"}"#);
        assert_eq!(line(r#"{"event_name":"TestEvent"}"#), "{}");
        assert!(write(&mut Vec::new(), &event("{")).is_err());
    }

    #[test]
    fn the_hour_is_what_the_context_says() {
        for (body, expected) in [
            (r#"{"context":{"receivedAt":"1701530942"}}"#, Some(1_701_530_942)),
            (r#"{"context":{"receivedAt":1701530942}}"#, Some(1_701_530_942)),
            (r#"{"context":{"receivedAt":"soon"}}"#, None),
            (r#"{"context":{}}"#, None),
            ("{", None),
        ] {
            let seconds = received_at(&event(body)).map(|at| at.as_micros() / 1_000_000);
            assert_eq!(seconds, expected, "{body}");
        }
    }
}
