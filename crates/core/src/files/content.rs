//! Contents, by their hash.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

use super::catalog::FilesError;
use crate::time::Timestamp;

/// The SHA-256 of a content's bytes, as they were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash(pub [u8; 32]);

/// A content that was put: another time, it has another id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentRef {
    /// What it is.
    pub hash: ContentHash,
    /// Drawn by the dice when it was put.
    pub id: i64,
}

/// Which bytes of a content are wanted; the end is not one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// The first.
    pub start: u64,
    /// The one after the last.
    pub end: u64,
}

/// A content's bytes, unpacked. A piece that fails ends it.
pub type ContentReader = BoxStream<'static, Result<Bytes, FilesError>>;

/// What a store of contents was found to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentListing {
    /// Which content.
    pub content: ContentRef,
    /// Bytes that it takes up.
    pub stored_bytes: u64,
    /// When it was put there.
    pub put_at: Timestamp,
}

/// Where a content lies that has come in whole, packed.
#[derive(Clone, Copy, Debug)]
pub enum Packed<'a> {
    /// In memory, where it is small.
    Here(&'a Bytes),
    /// In a file of the local disk, synced, which may be taken away.
    File(&'a Path),
}

/// Keeps contents.
#[async_trait]
pub trait ContentStore: Send + Sync + 'static {
    /// Takes in a content. Durable on return.
    async fn keep(&self, content: ContentRef, packed: Packed<'_>) -> Result<(), FilesError>;

    /// The content's bytes in this range, which lies within it. `None` where there is no such content.
    async fn read(&self, content: ContentRef, range: ByteRange) -> Result<Option<ContentReader>, FilesError>;

    /// Removes a content; one that is not there is removed already.
    async fn remove(&self, content: ContentRef) -> Result<(), FilesError>;

    /// Removes what former runs began to put and never ended. How much of it there was.
    async fn clear(&self) -> Result<u64, FilesError> {
        Ok(0)
    }

    /// What is there, by rising reference, from above `after` on, at most `limit`.
    async fn list(&self, after: Option<ContentRef>, limit: usize) -> Result<Vec<ContentListing>, FilesError>;
}

impl fmt::Display for ContentHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// What is no hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-256 is 64 hexadecimal digits")]
pub struct ParseHashError;

impl FromStr for ContentHash {
    type Err = ParseHashError;

    fn from_str(text: &str) -> Result<Self, ParseHashError> {
        let digits = text.as_bytes();
        if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(ParseHashError);
        }
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(digits.chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| ParseHashError)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| ParseHashError)?;
        }
        Ok(Self(hash))
    }
}
