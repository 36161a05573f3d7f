//! A content comes out of a bucket, piece by piece.

use std::ops::Range;

use anyhow::anyhow;
use bytes::Bytes;
use futures::{StreamExt, stream};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt};
use weir_core::files::{ByteRange, ContentReader, FilesError};

use super::Bucket;
use crate::packing::{Frame, Table, unpack_part};

/// Read of the end at first: the table of a content of eight gigabytes is in it.
const END_BYTES: u64 = 64 << 10;
/// Pieces that are fetched ahead.
const PIECES_AT_ONCE: usize = 3;

/// The range's bytes. `None` where there is no such content.
pub(super) async fn read(
    bucket: &Bucket,
    path: Path,
    range: ByteRange,
) -> Result<Option<ContentReader>, FilesError> {
    let Some(table) = table(bucket, &path).await? else { return Ok(None) };
    let fetched = stream::iter(table.within(range)).map({
        let bucket = bucket.clone();
        move |piece| fetch(bucket.clone(), path.clone(), piece)
    });
    let pieces = fetched.buffered(PIECES_AT_ONCE);
    // A piece that fails is the last one.
    let whole = pieces.scan(false, |is_over, piece| {
        let next = (!*is_over).then_some(piece);
        *is_over = next.as_ref().is_none_or(Result::is_err);
        std::future::ready(next)
    });
    Ok(Some(whole.boxed()))
}

async fn fetch(
    bucket: Bucket,
    path: Path,
    (at, frame, within): (u64, Frame, Range<usize>),
) -> Result<Bytes, FilesError> {
    let range = at..at + u64::from(frame.packed_bytes);
    let packed = bucket.within(bucket.server.get_range(&path, range)).await?;
    let packed = packed.ok_or_else(|| damaged(&bucket, &path, "it was removed while it was read"))?;
    let piece = tokio::task::spawn_blocking(move || unpack_part(&packed, frame, within)).await;
    let lost = |error| FilesError::Retry(anyhow!("a thread was lost: {error}"));
    piece.map_err(lost)?.map_err(|error| damaged(&bucket, &path, &error.to_string()))
}

async fn table(bucket: &Bucket, path: &Path) -> Result<Option<Table>, FilesError> {
    let Some(end) = last(bucket, path, END_BYTES).await? else { return Ok(None) };
    let failed = |error| damaged(bucket, path, &format!("{error}"));
    let footer = end.len().checked_sub(Table::FOOTER_BYTES);
    let footer = footer.ok_or_else(|| damaged(bucket, path, "it has lost its end"))?;
    let length = Table::length(&end[footer..]).map_err(failed)?;
    let end = match length <= end.len() {
        true => Some(end),
        false => last(bucket, path, length as u64).await?,
    };
    let Some(end) = end else { return Ok(None) };
    let start = end.len().checked_sub(length).ok_or_else(|| damaged(bucket, path, "it has lost its end"))?;
    Table::read(&end[start..]).map(Some).map_err(failed)
}

/// So many bytes of the end, or all where there are fewer.
async fn last(bucket: &Bucket, path: &Path, bytes: u64) -> Result<Option<Bytes>, FilesError> {
    let options = GetOptions { range: Some(GetRange::Suffix(bytes)), ..GetOptions::default() };
    let got = async { bucket.server.get_opts(path, options).await?.bytes().await };
    bucket.within(got).await
}

fn damaged(bucket: &Bucket, path: &Path, what: &str) -> FilesError {
    FilesError::Broken(anyhow!("reading {path} of {}: {what}", bucket.address))
}
