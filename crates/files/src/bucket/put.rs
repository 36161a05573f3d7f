//! A content goes into a bucket, and what was begun and never ended is taken back.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path as FilePath;
use std::sync::Arc;

use anyhow::anyhow;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{MultipartId, ObjectStoreExt};
use weir_core::files::{FilesError, Packed};

use super::Bucket;
use super::notes::Begun;
use crate::fault::{at, blocking};

/// What is larger is put in parts of this size; larger files have larger parts, as there may be ten thousand.
const PART_MIN_BYTES: u64 = 16 << 20;
const PARTS_MAX: u64 = 9_000;
/// As many are in memory.
const PARTS_AT_ONCE: usize = 2;

/// Puts what is packed. Whole on return.
pub(super) async fn put(bucket: &Bucket, path: &Path, packed: Packed<'_>) -> Result<(), FilesError> {
    match packed {
        Packed::Here(packed) => put_whole(bucket, path, packed.clone()).await,
        Packed::File(staged) => put_file(bucket, path, staged).await,
    }
}

async fn put_whole(bucket: &Bucket, path: &Path, body: Bytes) -> Result<(), FilesError> {
    there(bucket.within(bucket.server.put(path, body.into())).await?.map(drop), bucket)
}

async fn put_file(bucket: &Bucket, path: &Path, staged: &FilePath) -> Result<(), FilesError> {
    let (opened, shown) = (staged.to_owned(), staged.to_owned());
    let opened = blocking(move || {
        let failed = at("reading", &opened);
        let file = File::open(&opened).map_err(&failed)?;
        let bytes = file.metadata().map_err(&failed)?.len();
        Ok((Arc::new(file), bytes))
    });
    let (file, bytes) = opened.await?;
    let source = Source { file, bytes, part_bytes: PART_MIN_BYTES.max(bytes.div_ceil(PARTS_MAX)) };
    if bytes <= PART_MIN_BYTES {
        return put_whole(bucket, path, source.part(0).await?).await;
    }
    let begun = bucket.within(bucket.server.create_multipart(path)).await?;
    let upload = there(begun, bucket)?;
    let note = bucket.notes.begin(Begun { path: path.to_string(), upload: upload.clone() }).await?;
    let put = put_parts(bucket, path, &upload, &source).await;
    if let Err(error) = &put {
        tracing::warn!(%error, file = %shown.display(), "a file was not put into the bucket");
        // The note stays where this fails: a sweep takes it back.
        bucket.within(bucket.server.abort_multipart(path, &upload)).await?;
    }
    note.end().await?;
    put
}

/// Takes back what former runs began. How much of it there was.
pub(super) async fn take_back(bucket: &Bucket) -> Result<u64, FilesError> {
    let mut count = 0;
    for (begun, note) in bucket.notes.left_over().await? {
        let path = Path::parse(&begun.path).map_err(|error| FilesError::Broken(anyhow!(error)))?;
        // One that is not there has been ended: as a whole, or by the server.
        bucket.within(bucket.server.abort_multipart(&path, &begun.upload)).await?;
        note.end().await?;
        count += 1;
    }
    Ok(count)
}

async fn put_parts(
    bucket: &Bucket,
    path: &Path,
    upload: &MultipartId,
    source: &Source,
) -> Result<(), FilesError> {
    let put = |number: u64| async move {
        let body = source.part(number).await?;
        let part = bucket.server.put_part(path, upload, number as usize, body.into());
        there(bucket.within(part).await?, bucket)
    };
    let count = source.bytes.div_ceil(source.part_bytes);
    let parts: Vec<PartId> = stream::iter(0..count).map(put).buffered(PARTS_AT_ONCE).try_collect().await?;
    there(bucket.within(bucket.server.complete_multipart(path, upload, parts)).await?.map(drop), bucket)
}

/// What is put is there, unless what it is put into is not.
fn there<T>(answer: Option<T>, bucket: &Bucket) -> Result<T, FilesError> {
    let lost = || FilesError::Retry(anyhow!("{}: the bucket, or what was half put, is gone", bucket.address));
    answer.ok_or_else(lost)
}

/// What is put.
struct Source {
    file: Arc<File>,
    bytes: u64,
    part_bytes: u64,
}

impl Source {
    async fn part(&self, number: u64) -> Result<Bytes, FilesError> {
        let start = number * self.part_bytes;
        let length = self.part_bytes.min(self.bytes - start);
        let file = self.file.clone();
        blocking(move || {
            let failed = |error| FilesError::Retry(anyhow!("reading what is to be put: {error}"));
            let mut part =
                vec![0; usize::try_from(length).map_err(|error| FilesError::Broken(anyhow!(error)))?];
            file.read_exact_at(&mut part, start).map_err(failed)?;
            Ok(Bytes::from(part))
        })
        .await
    }
}
