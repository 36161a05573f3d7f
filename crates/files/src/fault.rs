//! What a disk says, sorted by what the caller can do about it.

use std::io;
use std::path::Path;

use anyhow::anyhow;
use weir_core::files::FilesError;

/// Tells what could not be done with a file.
pub(crate) fn at<'a>(what: &'a str, path: &'a Path) -> impl Fn(io::Error) -> FilesError + 'a {
    move |error| {
        let told = anyhow!("{what} {}: {error}", path.display());
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FilesError::Full(told),
            io::ErrorKind::InvalidData => FilesError::Broken(told),
            _ => FilesError::Retry(told),
        }
    }
}

/// Work on a thread that may wait for a disk.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FilesError> + Send + 'static,
) -> Result<T, FilesError> {
    let working = tokio::task::spawn_blocking(work).await;
    working.unwrap_or_else(|error| Err(FilesError::Retry(anyhow!("a thread was lost: {error}"))))
}
