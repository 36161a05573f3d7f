//! A bucket of a server that speaks S3.
//!
//! **Constraint.** An object can be seen only when it is there whole. Where the server can, it is put only if there is
//! none of its name; else it is put over an equal one. Nothing is tried again here: that is delivery's.

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::aws::AmazonS3;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, Error, MultipartId, ObjectStore, ObjectStoreExt, PutMode, PutMultipartOptions,
    PutOptions,
};
use weir_connect::s3::BucketAddress;
use weir_core::sink::SinkError;

use super::Put;
use super::fault::of_bucket;
use super::settings::ObjectsSettings;
use crate::SettingsError;

/// Larger objects are put in parts.
const WHOLE_MAX_BYTES: usize = 32 << 20;
const PART_BYTES: usize = 16 << 20;
const PARTS_AT_ONCE: usize = 4;
/// The name under which [`Bucket::check`] begins an object and takes it back.
const CHECK_NAME: &str = "weir-check";

pub(super) struct Bucket {
    server: AmazonS3,
    place: BucketAddress,
    address: String,
    conditional_put: bool,
    content_type: &'static str,
}

impl Bucket {
    pub fn start(settings: &ObjectsSettings, place: BucketAddress) -> Result<Self, SettingsError> {
        let server = settings.access.open(&place.bucket)?;
        let address = settings.access.shown(&settings.url);
        let (conditional_put, content_type) = (settings.conditional_put, settings.compression.content_type());
        Ok(Self { server, place, address, conditional_put, content_type })
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// Whether objects could be put: one is begun, and taken back.
    pub async fn check(&self) -> Result<(), SinkError> {
        let path = self.path(CHECK_NAME)?;
        let begun = self.server.create_multipart(&path).await.map_err(|error| self.failed(&error))?;
        // It may be forbidden, and leaves nothing that can be seen.
        let _ = self.server.abort_multipart(&path, &begun).await;
        Ok(())
    }

    pub async fn put(&self, name: &str, body: Bytes) -> Result<Put, SinkError> {
        let path = self.path(name)?;
        if body.len() > WHOLE_MAX_BYTES {
            return self.put_in_parts(&path, &body).await;
        }
        let mode = if self.conditional_put { PutMode::Create } else { PutMode::Overwrite };
        let options = PutOptions { mode, attributes: self.attributes(), ..PutOptions::default() };
        match self.server.put_opts(&path, body.into(), options).await {
            Ok(_) => Ok(Put::New),
            Err(Error::AlreadyExists { .. }) => Ok(Put::There),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// The parts become an object with the last call. There is no condition on that: an equal object takes its place.
    async fn put_in_parts(&self, path: &Path, body: &Bytes) -> Result<Put, SinkError> {
        if self.conditional_put && self.is_there(path, body.len()).await? {
            return Ok(Put::There);
        }
        let options = PutMultipartOptions { attributes: self.attributes(), ..PutMultipartOptions::default() };
        let begun = self.server.create_multipart_opts(path, options).await;
        let upload = begun.map_err(|error| self.failed(&error))?;
        let put = match self.put_parts(path, &upload, body).await {
            Ok(parts) => self.server.complete_multipart(path, &upload, parts).await.map(|_| Put::New),
            Err(error) => Err(error),
        };
        if put.is_err() {
            // What remains is the bucket's own rule for unfinished uploads to clear.
            let _ = self.server.abort_multipart(path, &upload).await;
        }
        put.map_err(|error| self.failed(&error))
    }

    async fn put_parts(
        &self,
        path: &Path,
        upload: &MultipartId,
        body: &Bytes,
    ) -> object_store::Result<Vec<PartId>> {
        let starts = (0..body.len()).step_by(PART_BYTES).enumerate();
        let put = |(number, start): (usize, usize)| {
            let part = body.slice(start..body.len().min(start + PART_BYTES));
            self.server.put_part(path, upload, number, part.into())
        };
        let parts: Vec<_> = starts.map(put).collect();
        stream::iter(parts).buffered(PARTS_AT_ONCE).try_collect().await
    }

    async fn is_there(&self, path: &Path, size: usize) -> Result<bool, SinkError> {
        match self.server.head(path).await {
            Ok(found) => Ok(found.size == size as u64),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(self.failed(&error)),
        }
    }

    fn attributes(&self) -> Attributes {
        Attributes::from_iter([(Attribute::ContentType, self.content_type)])
    }

    fn path(&self, name: &str) -> Result<Path, SinkError> {
        Path::parse(self.place.name(name)).map_err(SinkError::retry)
    }

    fn failed(&self, error: &Error) -> SinkError {
        of_bucket(error, &self.address)
    }
}
