//! Contents in a bucket of a server that speaks S3: `HASH-ID.zst` beneath its prefix.
//!
//! **Constraints.** A content can be seen only when it is there whole. No more of one is in memory than a few parts on its way
//! in, and a few pieces on its way out. What a kill leaves half put is known by a note of ours, and taken back.

mod fault;
mod name;
mod notes;
mod put;
mod read;

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt};
use object_store::aws::AmazonS3;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use weir_connect::SettingsError;
use weir_connect::s3::{BucketAccess, BucketAddress};
use weir_core::files::{
    ByteRange, ContentListing, ContentReader, ContentRef, ContentStore, FilesError, Packed,
};
use weir_core::time::Timestamp;

use fault::late;
use notes::Notes;

/// Where contents are, and how they are reached.
#[derive(Clone, Debug)]
pub struct BucketSettings {
    /// `s3://BUCKET/PREFIX`
    pub url: String,
    /// How it is reached.
    pub access: BucketAccess,
    /// How long one request to it may take.
    pub request_timeout: Duration,
    /// A folder of this machine, for notes of what is half put.
    pub notes: PathBuf,
}

/// A bucket of contents; clones are the same.
#[derive(Clone)]
pub struct Bucket {
    server: AmazonS3,
    place: BucketAddress,
    /// As it may be shown.
    address: String,
    request_timeout: Duration,
    notes: Notes,
}

/// Why a bucket cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenBucketError {
    /// A setting is wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The notes cannot be kept.
    #[error(transparent)]
    Notes(#[from] FilesError),
}

impl Bucket {
    /// Made ready, without asking the server for anything.
    pub fn open(settings: &BucketSettings) -> Result<Self, OpenBucketError> {
        let wrong = |what: &str| SettingsError(format!("url: {what}; expected \"s3://BUCKET/PREFIX\""));
        let place = BucketAddress::read(&settings.url).unwrap_or(Err("it is none of a bucket"));
        let place = place.map_err(wrong)?;
        Ok(Self {
            server: settings.access.open(&place.bucket)?,
            place,
            address: settings.access.shown(&settings.url),
            request_timeout: settings.request_timeout,
            notes: Notes::open(&settings.notes)?,
        })
    }

    fn path(&self, content: ContentRef) -> object_store::path::Path {
        object_store::path::Path::from(self.place.name(&name::of(content)))
    }

    /// Ends a request in time; `None` where what it is about is not there.
    async fn within<T>(
        &self,
        call: impl Future<Output = object_store::Result<T>>,
    ) -> Result<Option<T>, FilesError> {
        match tokio::time::timeout(self.request_timeout, call).await {
            Ok(Ok(answer)) => Ok(Some(answer)),
            Ok(Err(error)) => fault::of(&error, &self.address).map_or(Ok(None), Err),
            Err(_) => Err(late(&self.address, self.request_timeout)),
        }
    }

    fn listing(&self, found: &ObjectMeta) -> Option<ContentListing> {
        let content = name::read(found.location.filename()?)?;
        let put_at = Timestamp::from_micros(found.last_modified.timestamp_micros());
        Some(ContentListing { content, stored_bytes: found.size, put_at })
    }
}

#[async_trait]
impl ContentStore for Bucket {
    async fn keep(&self, content: ContentRef, packed: Packed<'_>) -> Result<(), FilesError> {
        put::put(self, &self.path(content), packed).await
    }

    async fn read(&self, content: ContentRef, range: ByteRange) -> Result<Option<ContentReader>, FilesError> {
        read::read(self, self.path(content), range).await
    }

    async fn remove(&self, content: ContentRef) -> Result<(), FilesError> {
        let path = self.path(content);
        self.within(self.server.delete(&path)).await.map(drop)
    }

    async fn clear(&self) -> Result<u64, FilesError> {
        put::take_back(self).await
    }

    /// Names sort as contents do, so the server's own order will do.
    async fn list(&self, after: Option<ContentRef>, limit: usize) -> Result<Vec<ContentListing>, FilesError> {
        let prefix = object_store::path::Path::from(self.place.prefix.as_str());
        let found = match after {
            Some(after) => self.server.list_with_offset(Some(&prefix), &self.path(after)),
            None => self.server.list(Some(&prefix)),
        };
        let ours = found.try_filter_map(async |found| Ok(self.listing(&found)));
        Ok(self.within(ours.take(limit).try_collect()).await?.unwrap_or_default())
    }
}
