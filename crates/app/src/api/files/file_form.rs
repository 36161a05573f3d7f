//! A file, as it is written.

use serde::Serialize;
use utoipa::ToSchema;
use weir_core::files::{Fate, StoredFile};
use weir_core::row_id;

/// A version of a file.
#[derive(Serialize, ToSchema)]
#[schema(as = File)]
pub struct FileForm<'a> {
    /// What its sender calls it, or what was issued.
    key: &'a str,
    /// Its number, as text: it has more digits than a JavaScript number can hold.
    id: String,
    /// The same number, as a UUID.
    uuid: String,
    /// The SHA-256 of its content.
    sha256: String,
    /// Bytes of its content.
    bytes: u64,
    /// What it is called on its way out.
    name: &'a str,
    /// What it was stored with.
    group: Option<&'a str>,
    /// Its trace.
    trace: Option<&'a str>,
    /// Whose it is.
    user: Option<&'a str>,
    /// What kind of content its sender said it is.
    content_type: Option<&'a str>,
    /// When it was stored.
    stored_at: String,
    /// `kept`, `deleted` or `expired`.
    state: &'static str,
    /// When it ended.
    ended_at: Option<String>,
    /// The rule of retention that ended it.
    rule: Option<&'a str>,
}

impl<'a> FileForm<'a> {
    /// Its form.
    pub fn of(file: &'a StoredFile) -> Self {
        let StoredFile { id, facts, fate, .. } = file;
        let (state, ended_at, rule) = match fate {
            Fate::Kept => ("kept", None, None),
            Fate::Deleted { at } => ("deleted", Some(at.to_string()), None),
            Fate::Expired { at, rule } => ("expired", Some(at.to_string()), Some(&**rule)),
        };
        Self {
            key: &facts.key,
            id: id.to_string(),
            uuid: row_id::to_uuid(*id).to_string(),
            sha256: facts.hash.to_string(),
            bytes: facts.bytes,
            name: &facts.name,
            group: facts.group.as_deref(),
            trace: facts.trace.as_deref(),
            user: facts.user.as_deref(),
            content_type: facts.content_type.as_deref(),
            stored_at: facts.stored_at.to_string(),
            state,
            ended_at,
            rule,
        }
    }
}
