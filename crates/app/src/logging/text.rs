//! Text for people: one line an event, coloured on a terminal.

use std::fmt::Write;

use tracing::Level;
use weir_core::time::Timestamp;

use super::escape::push_text;
use super::fields::Fields;

/// Dim, where there are colours.
pub const DIM: &str = "\x1b[2m";
/// Back to plain.
pub const PLAIN: &str = "\x1b[0m";

/// Appends an event's line. `spans` are the labels of the spans around it.
pub fn push_event(
    line: &mut String,
    at: Timestamp,
    level: Level,
    fields: &Fields,
    spans: &str,
    colored: bool,
) {
    push_head(line, at, level, colored);
    push_text(line, &fields.message);
    if let Some(error) = &fields.error {
        line.push_str(": ");
        push_text(line, error);
    }
    let (dim, plain) = if colored { (DIM, PLAIN) } else { ("", "") };
    line.push_str(dim);
    line.push_str(&fields.labels);
    line.push_str(spans);
    line.push_str(plain);
    line.push('\n');
}

/// Appends a line with a message only.
pub fn push_plain(line: &mut String, at: Timestamp, level: Level, message: &str, colored: bool) {
    push_head(line, at, level, colored);
    push_text(line, message);
    line.push('\n');
}

fn push_head(line: &mut String, at: Timestamp, level: Level, colored: bool) {
    let (color, name) = match level {
        Level::ERROR => ("\x1b[31m", "ERROR"),
        Level::WARN => ("\x1b[33m", " WARN"),
        Level::INFO => ("\x1b[32m", " INFO"),
        Level::DEBUG => ("\x1b[34m", "DEBUG"),
        Level::TRACE => ("\x1b[35m", "TRACE"),
    };
    // Writing to a String cannot fail.
    let _ = match colored {
        true => write!(line, "{DIM}{at}{PLAIN} {color}{name}{PLAIN} "),
        false => write!(line, "{at} {name} "),
    };
}
