//! Files that Weir keeps: what is known of each, and their contents.
//!
//! **Constraints.** A row never promises bytes that are not there: contents are durable before the row that names them,
//! and go only after the last row that named them. The same content is kept once, whoever sent it. What is half sent
//! has no row.
//!
//! Rows and contents live in two places that share no transaction, but for small contents, which may lie with the rows. Between them stands the content's own row: `kept`,
//! or `going` from the moment that its last file ended until its bytes are gone. Each time that a content is put it has
//! another id, and its bytes another name: whoever still removes an old one, however late, never meets a new one. After a
//! crash what is going is finished, and bytes without a row are orphans, which a sweep finds.

mod catalog;
mod content;
mod ending;
mod file;
mod retention;

pub use catalog::{Added, FileCatalog, FileFilter, FilesError, Offer, Owner, Page, Totals};
pub use content::{
    ByteRange, ContentHash, ContentListing, ContentReader, ContentRef, ContentStore, Packed, ParseHashError,
};
pub use ending::{Act, Ending};
pub use file::{Fate, FileFacts, StoredFile};
pub use retention::{Judge, Reason, RetentionLimits, RetentionRule};
