//! From a body's bytes to its members: the first half of taking events in.
//!
//! **Constraint.** One pass over the bytes, no tree: a member is a slice of the body, and what Weir itself must know
//! is picked from that slice. One bad member never spoils its neighbours, where the format lets them be told apart.

pub mod json;
pub mod pick;

use bytes::Bytes;

/// What a client says its body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFormat {
    /// One JSON object, an array of them, or, where a second value follows the first, one object a line.
    Any,
    /// One JSON object a line, blank lines left out.
    Lines,
}

/// Why one member cannot be taken; the others are not concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// A short word, stable, for programs: `invalid_json`, `missing_member` …
    pub code: &'static str,
    /// What is wrong and what is expected, for people.
    pub detail: String,
}

impl Fault {
    /// A fault of this kind.
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

/// The body as a whole is not what it should be, so that it has no members.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail} at line {line}, column {column}")]
pub struct Malformed {
    /// What is wrong.
    pub detail: String,
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in bytes.
    pub column: usize,
}

/// Cuts a body into members: the text of each, or why that one has none. None of it is copied.
pub fn split(body: &Bytes, format: BodyFormat) -> Result<Vec<Result<Bytes, Fault>>, Malformed> {
    match format {
        BodyFormat::Any => json::split(body),
        BodyFormat::Lines => Ok(json::split_lines(body)),
    }
}
