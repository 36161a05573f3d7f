//! What went wrong with a bucket, by what the caller can do.

use std::time::Duration;

use anyhow::anyhow;
use weir_connect::s3::BucketFault;
use weir_core::files::FilesError;

/// What it means; nothing where it says no more than that something is not there. Who waits for a person to mend something
/// asks again meanwhile: nothing is wrong with the file.
pub(super) fn of(error: &object_store::Error, address: &str) -> Option<FilesError> {
    match BucketFault::of(error, address) {
        BucketFault::Away(words, _) => Some(FilesError::Retry(anyhow!(words))),
        BucketFault::Blocked(words) => {
            tracing::error!(%words, "the bucket of files cannot be used");
            Some(FilesError::Retry(anyhow!(words)))
        }
        BucketFault::TooLarge(words) => Some(FilesError::Broken(anyhow!(words))),
        BucketFault::NoObject(_) | BucketFault::NoUpload(_) => None,
    }
}

pub(super) fn late(address: &str, limit: Duration) -> FilesError {
    FilesError::Retry(anyhow!("{address} did not answer within {limit:?}"))
}
