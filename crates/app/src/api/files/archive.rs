//! `GET /v1/groups/{group}.tar.gz`: all files of a group in one, made as it is sent.
//!
//! **Constraint.** One piece of one file is in memory at a time. A reader that stops reading stops the making. An archive that
//! cannot be made to its end lacks gzip's end, so that no program takes it for a whole one.

use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::Arc;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::StatusCode;
use hyper::header::{CONTENT_DISPOSITION, HeaderValue};
use tokio::runtime::Handle;
use weir_core::files::{ByteRange, FileFacts, FileFilter, StoredFile};
use weir_files::Files;

use super::{FileDesk, place, problem};
use crate::api::answer::{Answer, of_type};
use crate::api::bits::Bits;
use crate::api::entry::{Api, Call};
use crate::api::problem::{Problem, ProblemDocument};
use crate::api::query::Query;
use crate::api::route::decoded;
use crate::tarball::{Content, append};

const PAGE: usize = 100;
const BITS_MAX: usize = 16;

/// All kept files of a group, as a `tar.gz`.
#[utoipa::path(
    get, path = "/v1/groups/{group}.tar.gz", tag = "files",
    params(("group" = String, Path, description = "The group, percent-encoded")),
    responses(
        (status = 200, description = "The archive; where a name stands twice, the later file has a number in it", body = Vec<u8>, content_type = "application/gzip"),
        (status = 404, description = "No file of this group is kept", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn archive(api: &Api, call: &Call<'_>, group: &str) -> Answer {
    let desk = FileDesk::of(api)?;
    Query::parse(call.head.uri.query())?.only(&[])?;
    let group = decoded(group)?;
    let filter = FileFilter { group: Some(group.as_ref().into()), ..FileFilter::default() };
    let first = desk.files.catalog().list(&filter, None, 1).await.map_err(|error| problem(&error))?;
    if first.items.is_empty() {
        return Err(Problem::not_found(format!("no file of the group {group:?} is kept")));
    }
    let mut answer = of_type(StatusCode::OK, "application/gzip", Bytes::new());
    answer.headers_mut().insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    if call.head.method == "HEAD" {
        return Ok(answer);
    }
    let place = place(&desk.archives, "archives")?;
    let (to, body) = Bits::live(BITS_MAX);
    let (files, runtime) = (desk.files.clone(), Handle::current());
    tokio::task::spawn_blocking(move || {
        let _place = place;
        if let Err(error) = write(&files, &filter, to, &runtime) {
            tracing::warn!(%error, "an archive ended early");
        }
    });
    *answer.body_mut() = body;
    Ok(answer)
}

fn write(files: &Arc<Files>, filter: &FileFilter, to: Bits, runtime: &Handle) -> io::Result<()> {
    let mut archive = tar::Builder::new(GzEncoder::new(to, Compression::fast()));
    let (mut names, mut after) = (Names::default(), None);
    loop {
        let page = runtime.block_on(files.catalog().list(filter, after, PAGE)).map_err(io::Error::other)?;
        for file in &page.items {
            add(&mut archive, files, file, &names.of(&file.facts.name), runtime)?;
        }
        after = page.next;
        if after.is_none() {
            return archive.into_inner()?.finish()?.end();
        }
    }
}

fn add<W: Write>(
    archive: &mut tar::Builder<W>,
    files: &Arc<Files>,
    file: &StoredFile,
    name: &str,
    runtime: &Handle,
) -> io::Result<()> {
    let FileFacts { bytes, stored_at, .. } = file.facts;
    let pieces = runtime.block_on(files.read(file, ByteRange { start: 0, end: bytes }));
    let mut content = Content::new(pieces.map_err(io::Error::other)?, bytes, runtime);
    append(archive, name, stored_at, bytes, &mut content)
}

/// Names, each once: `a.txt`, `a (2).txt`, …
#[derive(Default)]
struct Names(HashSet<String>);

impl Names {
    /// The name, or one like it that was not given yet.
    fn of(&mut self, name: &str) -> String {
        let (stem, ending) = match name.rsplit_once('.') {
            Some((stem, ending)) if !stem.is_empty() => (stem, format!(".{ending}")),
            _ => (name, String::new()),
        };
        let mut candidate = name.to_owned();
        for number in 2_u64.. {
            if self.0.insert(candidate.clone()) {
                break;
            }
            candidate = format!("{stem} ({number}){ending}");
        }
        candidate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_stands_twice_gets_a_number() {
        let mut names = Names::default();
        let given = ["a.txt", "a.txt", "b", "a.txt", "b", ".env", ".env"].map(|name| names.of(name));
        assert_eq!(given, ["a.txt", "a (2).txt", "b", "a (3).txt", "b (2)", ".env", ".env (2)"]);
    }
}
