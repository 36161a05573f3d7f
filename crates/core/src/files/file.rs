//! What is known of a file.

use super::content::{ContentHash, ContentRef};
use crate::time::Timestamp;

/// What its sender told of a file, and what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFacts {
    /// What it is called by its sender, or what was issued: a node's key.
    pub key: Box<str>,
    /// Its name on its way out; never a path.
    pub name: Box<str>,
    /// What it was stored with.
    pub group: Option<Box<str>>,
    /// The trace that it belongs to.
    pub trace: Option<Box<str>>,
    /// Whose it is.
    pub user: Option<Box<str>>,
    /// What kind of content its sender says it is.
    pub content_type: Option<Box<str>>,
    /// Its content.
    pub hash: ContentHash,
    /// Bytes of its content.
    pub bytes: u64,
    /// When it was stored.
    pub stored_at: Timestamp,
}

/// A version of a file. The same key with another content is another version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// Its number; later ones are greater.
    pub id: i64,
    /// What is known of it.
    pub facts: FileFacts,
    /// Which of the contents of its hash it has.
    pub content_id: i64,
    /// Whether it can still be had.
    pub fate: Fate,
}

impl StoredFile {
    /// Where its bytes are.
    pub fn content(&self) -> ContentRef {
        ContentRef { hash: self.facts.hash, id: self.content_id }
    }
}

/// Whether a file can still be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It can.
    Kept,
    /// Somebody deleted it.
    Deleted {
        /// When.
        at: Timestamp,
    },
    /// Retention took it.
    Expired {
        /// When.
        at: Timestamp,
        /// By which rule.
        rule: Box<str>,
    },
}
