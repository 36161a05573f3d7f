//! What can go wrong with an export, by what the caller can do.

use std::io;
use std::path::Path;

use weir_core::files::FilesError;
use weir_core::lineage::LineageError;

/// Why there is no export, or not all of it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ExportError {
    /// There is none of this name, or no longer.
    #[error("{0}")]
    Unknown(String),
    /// It was there, and has made room.
    #[error("{0}")]
    Gone(String),
    /// There is no room for it.
    #[error("{0}")]
    Full(String),
    /// Ask again.
    #[error("{0}")]
    Retry(String),
    /// Asking again cannot help.
    #[error("{0}")]
    Broken(String),
}

impl From<LineageError> for ExportError {
    fn from(error: LineageError) -> Self {
        match error {
            LineageError::Retry(_) => Self::Retry(error.to_string()),
            LineageError::Broken(_) => Self::Broken(error.to_string()),
        }
    }
}

impl From<FilesError> for ExportError {
    fn from(error: FilesError) -> Self {
        match error {
            FilesError::Retry(_) | FilesError::Full(_) => Self::Retry(error.to_string()),
            FilesError::Broken(_) => Self::Broken(error.to_string()),
        }
    }
}

/// Tells why a part could not be written.
pub fn unwritten(error: &io::Error) -> ExportError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ExportError::Full(error.to_string()),
        _ => ExportError::Retry(format!("writing a part: {error}")),
    }
}

/// Tells what could not be done with a file.
pub fn at<'a>(what: &'a str, path: &'a Path) -> impl Fn(io::Error) -> ExportError + 'a {
    move |error| {
        let told = format!("{what} {}: {error}", path.display());
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ExportError::Full(told),
            _ => ExportError::Retry(told),
        }
    }
}
