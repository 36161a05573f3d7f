//! How a kept file comes to its end, and what is written down of it.

use super::file::StoredFile;
use crate::time::Timestamp;

/// Why a file ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Somebody asked for it.
    Deleted {
        /// Who.
        by: Box<str>,
    },
    /// A rule of retention asked for it.
    Expired {
        /// The rule, as in the settings: `files.retention.max_age`.
        rule: Box<str>,
        /// In words: what the limit is and what was found.
        reason: Box<str>,
    },
}

/// A row about a file that ended: what, why, when, by which rule, and what it freed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// Its number; later ones are greater.
    pub id: i64,
    /// The file, as it was.
    pub file: StoredFile,
    /// Why.
    pub ending: Ending,
    /// When.
    pub at: Timestamp,
    /// Bytes freed in the store of contents; none while another file has the same content.
    pub freed_bytes: u64,
    /// Whether the file's trace has been told of it.
    pub is_told: bool,
}
