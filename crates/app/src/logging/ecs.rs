//! JSON in the Elastic Common Schema, with dotted names as its logging libraries write them.

use std::fmt::Write;

use tracing::Level;
use weir_core::time::Timestamp;

use super::escape::push_json;
use super::fields::Fields;

/// The version of the schema that the names are of.
pub const ECS_VERSION: &str = "8.11.0";

/// Appends an event's line. `spans` are the labels of the spans around it.
pub fn push_event(
    line: &mut String,
    at: Timestamp,
    level: Level,
    target: &str,
    fields: &Fields,
    spans: &str,
) {
    push_head(line, at, level, &fields.message);
    line.push_str(",\"log.logger\":\"");
    push_json(line, target);
    line.push('"');
    if let Some(error) = &fields.error {
        line.push_str(",\"error.message\":\"");
        push_json(line, error);
        line.push('"');
    }
    line.push_str(&fields.labels);
    line.push_str(spans);
    line.push_str("}\n");
}

/// Appends a line with a message only.
pub fn push_plain(line: &mut String, at: Timestamp, level: Level, message: &str) {
    push_head(line, at, level, message);
    line.push_str("}\n");
}

fn push_head(line: &mut String, at: Timestamp, level: Level, message: &str) {
    let level = match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    };
    // Writing to a String cannot fail.
    let _ = write!(line, "{{\"@timestamp\":\"{at}\",\"log.level\":\"{level}\",\"message\":\"");
    push_json(line, message);
    let _ = write!(line, "\",\"ecs.version\":\"{ECS_VERSION}\",\"service.name\":\"weir\"");
    line.push_str(",\"event.dataset\":\"weir.log\"");
}
