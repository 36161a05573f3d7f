//! Exports over HTTP: a manifest page by page, and each part by itself.

mod all;
mod files;
mod manifest;
mod options;
mod part;
mod telemetry;

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;

use super::entry::Api;
use super::problem::Problem;
use super::route::decoded;
use crate::exports::{ExportError, ExportId, Exports};

pub use all::{__path_all, all};
pub use files::{__path_files, files};
pub use manifest::{__path_manifest, manifest};
pub use part::{__path_part, part};
pub use telemetry::{__path_telemetry, telemetry};

const RETRY_AFTER: Duration = Duration::from_secs(1);

fn exports(api: &Api) -> Result<&Arc<Exports>, Problem> {
    let off = || {
        Problem::not_found(
            "there is nothing to export; lineage.enabled = true turns lineage on, files.enabled = true files",
        )
    };
    api.surroundings.exports.as_ref().ok_or_else(off)
}

/// The export that the segment of an address names.
fn named(segment: &str) -> Result<ExportId, Problem> {
    let name = decoded(segment)?;
    ExportId::parse(&name).ok_or_else(|| Problem::not_found(format!("there is no export {name:?}")))
}

fn problem(error: &ExportError) -> Problem {
    match error {
        ExportError::Unknown(detail) => Problem::not_found(detail),
        ExportError::Gone(detail) => Problem::new(StatusCode::GONE, "gone", detail),
        ExportError::Full(detail) => Problem::new(StatusCode::INSUFFICIENT_STORAGE, "full", detail),
        ExportError::Retry(detail) => Problem::unavailable("exports", detail, RETRY_AFTER),
        ExportError::Broken(_) => Problem::internal(error),
    }
}
