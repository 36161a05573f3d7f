//! What is told of a file in the list that goes with its bytes.

use serde::{Deserialize, Serialize};
use weir_core::files::{FileFacts, StoredFile};

/// No type of content is longer; what is, is none.
const CONTENT_TYPE_MAX_BYTES: usize = 1_024;

/// A line of a part's list: a file, a piece of one, or one that was left out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FileLine {
    /// Where its bytes are in the part; nothing where they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What its sender calls it, or what was issued.
    pub key: String,
    /// Its number, as text.
    pub id: String,
    /// What it is called on its way out.
    pub name: String,
    /// What it was stored with.
    pub group: Option<String>,
    /// Its trace.
    pub trace: Option<String>,
    /// Whose it is.
    pub user: Option<String>,
    /// What kind of content its sender said it is.
    pub content_type: Option<String>,
    /// Bytes of all of it.
    pub bytes: u64,
    /// The SHA-256 of all of it.
    pub sha256: String,
    /// When it was stored.
    pub stored_at: String,
    /// Which bytes of it these are, where they are not all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub piece: Option<FilePiece>,
    /// Why it is left out, where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out: Option<String>,
}

/// Some bytes of a file that is larger than a part.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FilePiece {
    /// The first of them.
    pub offset: u64,
    /// How many.
    pub bytes: u64,
    /// Their SHA-256.
    pub sha256: String,
}

impl FileLine {
    /// Of a file, without its path.
    pub fn of(file: &StoredFile) -> Self {
        let FileFacts { key, name, group, trace, user, content_type, hash, bytes, stored_at } = &file.facts;
        let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
        Self {
            path: None,
            key: key.to_string(),
            id: file.id.to_string(),
            name: name.to_string(),
            group: text(group),
            trace: text(trace),
            user: text(user),
            content_type: text(content_type).filter(|name| name.len() <= CONTENT_TYPE_MAX_BYTES),
            bytes: *bytes,
            sha256: hash.to_string(),
            stored_at: stored_at.to_string(),
            piece: None,
            left_out: None,
        }
    }
}
