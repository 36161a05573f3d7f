//! `Upload-Metadata`: what the sender of an upload tells of its file.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use weir_core::files::ContentHash;
use weir_files::About;

use super::super::upload::Told;
use super::UPLOAD_METADATA;
use crate::api::problem::Problem;

const TOLD_MAX_BYTES: usize = 8 << 10;

/// What is told, and what the file's bytes are to be.
pub struct Metadata {
    pub told: Told,
    pub digest: Option<ContentHash>,
}

impl Metadata {
    /// As it stands in the header.
    pub fn of_headers(headers: &HeaderMap) -> Result<(Self, String), Problem> {
        let Some(value) = headers.get(UPLOAD_METADATA) else { return Ok((Self::read("")?, String::new())) };
        match value.to_str() {
            Ok(text) if text.len() <= TOLD_MAX_BYTES => Ok((Self::read(text)?, text.to_owned())),
            _ => Err(malformed(&format!("must be ASCII, and no longer than {TOLD_MAX_BYTES} bytes"))),
        }
    }

    /// As it was written down.
    pub fn of_upload(about: &About) -> Result<Self, Problem> {
        let mut metadata = Self::read(&about.told)?;
        metadata.told.key = Some(about.key.clone());
        Ok(metadata)
    }

    /// The names that clients of tus use for the same are taken as well.
    fn read(text: &str) -> Result<Self, Problem> {
        let (mut told, mut digest) = (Told::default(), None);
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once(' ').unwrap_or((pair, ""));
            let value = STANDARD.decode(value.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let value = value.ok_or_else(|| malformed(&format!("has no Base64 of UTF-8 at {name:?}")))?;
            let is_new = match name {
                "sha256" => digest.replace(read_digest(&value)?).is_none(),
                "content_type" | "filetype" | "type" => told.content_type.replace(value).is_none(),
                "filename" => told.name.replace(value).is_none(),
                "key" | "name" | "group" | "trace" | "user" => told.tell_once(name, value)?,
                _ => {
                    let known = "key, name, group, trace, user, content_type and sha256";
                    return Err(malformed(&format!("tells {name:?}, which is none of {known}")));
                }
            };
            if !is_new {
                return Err(malformed(&format!("tells {name:?} twice, or under two names")));
            }
        }
        told.check()?;
        Ok(Self { told, digest })
    }
}

fn read_digest(text: &str) -> Result<ContentHash, Problem> {
    text.parse().map_err(|error| malformed(&format!("has at sha256 what is none: {error}")))
}

fn malformed(what: &str) -> Problem {
    Problem::invalid(format!("Upload-Metadata {what}"))
}
