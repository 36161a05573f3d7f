//! Members of another format, as they become JSON.
//!
//! **Constraint.** A few bytes of some formats are many of JSON: what is written stays within
//! [`TRANSLATED_MAX_BYTES`], and no more members are gathered than a request may bring.

use std::ops::Range;

use bytes::Bytes;

use super::{EVENTS_PER_REQUEST_MAX, Fault, Malformed, Members, Place, SplitError};

/// The most JSON that one body may become.
pub const TRANSLATED_MAX_BYTES: usize = 64 * 1024 * 1024;

/// The JSON of the members so far, in one buffer.
#[derive(Default)]
pub(super) struct Translation {
    text: Vec<u8>,
    members: Vec<Result<Range<usize>, Fault>>,
}

impl Translation {
    /// One more member: what `write` appends, or why there is nothing.
    pub fn add(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<(), Fault>) -> Result<(), SplitError> {
        if self.members.len() == EVENTS_PER_REQUEST_MAX {
            return Err(SplitError::TooManyEvents { count: EVENTS_PER_REQUEST_MAX + 1 });
        }
        let start = self.text.len();
        let written = write(&mut self.text);
        if self.text.len() > TRANSLATED_MAX_BYTES {
            return Err(SplitError::TooLarge);
        }
        if written.is_err() {
            self.text.truncate(start);
        }
        self.members.push(written.map(|()| start..self.text.len()));
        Ok(())
    }

    /// The members, none of them copied.
    pub fn into_members(self) -> Members {
        let text = Bytes::from(self.text);
        self.members.into_iter().map(|member| member.map(|range| text.slice(range))).collect()
    }
}

/// Refuses JSON under the name of a format that cannot begin so.
pub(super) fn refuse_json(body: &[u8], called: &str) -> Result<(), Malformed> {
    match body.trim_ascii_start().first() {
        Some(b'{' | b'[') => {
            let detail = format!(
                "the body looks like JSON, but its Content-Type says that it is {called}; send it as Content-Type: \
                 application/json. It is no such thing"
            );
            Err(Malformed { detail, place: Place::Text { line: 1, column: 1 } })
        }
        _ => Ok(()),
    }
}

/// Appends a text as JSON. Writing into memory cannot fail.
pub(super) fn write_text(out: &mut Vec<u8>, text: &str) {
    let _ = serde_json::to_writer(out, text);
}

/// Appends an object of texts. What is empty is left out: these formats cannot tell it from what is absent.
pub(super) fn write_texts<'t>(out: &mut Vec<u8>, members: impl Iterator<Item = (&'t str, &'t str)>) {
    let mut separator = b'{';
    for (name, value) in members.filter(|(_, value)| !value.is_empty()) {
        out.push(separator);
        write_text(out, name);
        out.push(b':');
        write_text(out, value);
        separator = b',';
    }
    out.extend_from_slice(if separator == b'{' { b"{}" } else { b"}" });
}
