//! `[streams.NAME]`: streams beyond the built-in ones.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weir_core::event::Stream;

use crate::config::key::Key;
use crate::config::problem::Report;

/// The names that no section may declare: these streams are there, or will be, with a shape of their own.
pub const BUILT_IN_STREAMS: [&str; 3] = ["events", "store", "telemetry"];

/// Which members of a stream's events Weir itself needs. JSON pointers (RFC 6901).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StreamSettings {
    /// The client's own id.
    pub id: Option<String>,
    /// When it happened.
    pub time: Option<String>,
    /// Whom it concerns.
    pub user: Option<String>,
    /// What must be there and not null.
    pub required: Vec<String>,
}

pub(super) fn check(streams: &BTreeMap<String, StreamSettings>, report: &mut Report<'_>) {
    for (name, stream) in streams {
        let key = Key::of(["streams", name]);
        if Stream::new(name).is_none() {
            let remedy = "Use 1 to 64 of a-z A-Z 0-9 _ - . and begin with a letter or digit.";
            report.wrong(&key, "has no name that a stream can have", remedy);
        }
        if BUILT_IN_STREAMS.contains(&name.as_str()) {
            report.wrong(&key, "is built in and cannot be changed", "Give your stream another name.");
        }
        let single = [("id", &stream.id), ("time", &stream.time), ("user", &stream.user)];
        for (member, pointer) in single {
            if let Some(pointer) = pointer {
                check_pointer(&key.child(member), pointer, report);
            }
        }
        for (index, pointer) in stream.required.iter().enumerate() {
            check_pointer(&key.child("required").item(index), pointer, report);
        }
    }
}

/// Whether it is a JSON pointer (RFC 6901).
pub(super) fn check_pointer(key: &Key, pointer: &str, report: &mut Report<'_>) {
    let escapes = pointer.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    if !pointer.starts_with('/') {
        let remedy = format!("A pointer begins with a slash: \"/{pointer}\".");
        report.wrong(key, format!("is no JSON pointer: {pointer:?}"), remedy);
    } else if !escapes {
        report.wrong(
            key,
            format!("is no JSON pointer: {pointer:?}"),
            "Write ~0 for ~ and ~1 for / in a name.",
        );
    }
}
