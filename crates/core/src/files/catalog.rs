//! The rows about files: the contract of where they are kept.

use async_trait::async_trait;
use bytes::Bytes;

use super::content::{ContentHash, ContentRef};
use super::ending::{Act, Ending};
use super::file::{Fate, FileFacts, StoredFile};
use crate::time::Timestamp;

/// What became of a file that was brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is stored; as a new version where the key was taken.
    New(StoredFile),
    /// The latest version of this key has this content already, and is kept.
    Known(StoredFile),
}

/// Whose files are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Everybody's.
    All,
    /// Those of a group.
    Group(Box<str>),
    /// Those of a user.
    User(Box<str>),
}

/// Which files are meant; every given member must hold.
#[derive(Clone, Debug, Default)]
pub struct FileFilter {
    /// All versions of this key.
    pub key: Option<Box<str>>,
    /// Of this group.
    pub group: Option<Box<str>>,
    /// Of this user.
    pub user: Option<Box<str>>,
    /// Of this trace.
    pub trace: Option<Box<str>>,
    /// Stored at this moment or later.
    pub stored_from: Option<Timestamp>,
    /// Stored before this moment.
    pub stored_to: Option<Timestamp>,
    /// Those that ended as well.
    pub with_ended: bool,
}

impl FileFilter {
    /// The kept files of this owner.
    pub fn of(owner: &Owner) -> Self {
        let (mut group, mut user) = (None, None);
        match owner.clone() {
            Owner::All => {}
            Owner::Group(name) => group = Some(name),
            Owner::User(name) => user = Some(name),
        }
        Self { group, user, ..Self::default() }
    }

    /// Whether the file is meant.
    pub fn takes(&self, file: &StoredFile) -> bool {
        let FileFacts { key, group, user, trace, stored_at, .. } = &file.facts;
        let is = |wanted: &Option<Box<str>>, found: Option<&Box<str>>| {
            wanted.is_none() || wanted.as_ref() == found
        };
        is(&self.key, Some(key))
            && is(&self.group, group.as_ref())
            && is(&self.user, user.as_ref())
            && is(&self.trace, trace.as_ref())
            && self.stored_from.is_none_or(|from| *stored_at >= from)
            && self.stored_to.is_none_or(|to| *stored_at < to)
            && (self.with_ended || file.fate == Fate::Kept)
    }
}

/// Some of what there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// These.
    pub items: Vec<T>,
    /// Where the next page begins, if there is one: the number of the last of these.
    pub next: Option<i64>,
}

impl<T> Page<T> {
    /// Of what was found, one more than `limit` where there is more.
    pub fn of(mut found: Vec<T>, limit: usize, id: impl Fn(&T) -> i64) -> Self {
        let has_more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().map(id).filter(|_| has_more);
        Self { items: found, next }
    }
}

/// What kept files add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Files.
    pub files: u64,
    /// Bytes of their contents, each file's counted.
    pub bytes: u64,
}

/// The content that a file is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offer {
    /// The one of its hash that the rows said is kept.
    Kept,
    /// One that has just been put, and the bytes that it takes up. Where one of the same hash is kept by now, that one
    /// is taken.
    Put(ContentRef, u64),
    /// One whose bytes, packed, are to lie with the rows: they are durable with them. Where one of the same hash is kept by
    /// now, that one is taken.
    Inline(ContentRef, Bytes),
}

/// What went wrong with files, by what the caller can do.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// Not done, or done and the answer lost: ask again.
    #[error("files: {0:#}")]
    Retry(anyhow::Error),
    /// There is no room: ask again when there is.
    #[error("files: {0:#}")]
    Full(anyhow::Error),
    /// Asking again cannot help: what is stored is damaged, or of a newer version.
    #[error("files: {0:#}")]
    Broken(anyhow::Error),
}

/// Keeps the rows about files and contents. Each call is one transaction, durable on return.
#[async_trait]
pub trait FileCatalog: Send + Sync + 'static {
    /// The content of this hash that is kept, if there is one.
    async fn content(&self, hash: ContentHash) -> Result<Option<ContentRef>, FilesError>;

    /// The bytes, packed, of a content that lies with the rows. `None` where it lies elsewhere, or is not there.
    async fn inline(&self, content: ContentRef) -> Result<Option<Bytes>, FilesError>;

    /// Takes note of a file. `None` where the offered content is kept no longer: put it.
    async fn add(&self, facts: FileFacts, offer: Offer) -> Result<Option<Added>, FilesError>;

    /// The file of this name: a version by its number or UUID, or the latest version by its key, ended or not.
    async fn find(&self, name: &str) -> Result<Option<StoredFile>, FilesError>;

    /// Files that match, by rising number, the oldest first: from above `after` on, at most `limit`.
    async fn list(
        &self,
        filter: &FileFilter,
        after: Option<i64>,
        limit: usize,
    ) -> Result<Page<StoredFile>, FilesError>;

    /// What the kept files of this owner add up to.
    async fn totals(&self, owner: &Owner) -> Result<Totals, FilesError>;

    /// Ends a kept file and writes the act down; its content is going from then on, where no kept file has it.
    /// `None` where the file is not there or ended before.
    async fn end(&self, id: i64, ending: Ending, at: Timestamp) -> Result<Option<Act>, FilesError>;

    /// The acts, the latest first: from below `before` on, at most `limit`.
    async fn acts(&self, before: Option<i64>, limit: usize) -> Result<Page<Act>, FilesError>;

    /// Acts whose traces have not been told, the oldest first, at most `limit`.
    async fn untold(&self, limit: usize) -> Result<Vec<Act>, FilesError>;

    /// Takes note that the trace has been told of this act.
    async fn told(&self, act: i64) -> Result<(), FilesError>;

    /// Contents with rows whose bytes lie elsewhere, by rising reference, from above `after` on, at most `limit`.
    async fn contents(&self, after: Option<ContentRef>, limit: usize) -> Result<Vec<ContentRef>, FilesError>;

    /// Contents whose bytes are to go, at most `limit`.
    async fn going(&self, limit: usize) -> Result<Vec<ContentRef>, FilesError>;

    /// Forgets a content whose bytes are gone. One that is kept stays.
    async fn forget(&self, content: ContentRef) -> Result<(), FilesError>;
}
