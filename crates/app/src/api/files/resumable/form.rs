//! What is said of an upload, in headers.

use hyper::header::{CACHE_CONTROL, CONTENT_LOCATION, HeaderName, HeaderValue, LOCATION};
use hyper::{Response, StatusCode};
use weir_core::files::StoredFile;
use weir_core::row_id;
use weir_files::ResumableUpload;

use super::super::digest;
use super::super::upload::address;
use super::{UPLOAD_EXPIRES, UPLOAD_LENGTH, UPLOAD_OFFSET};
use crate::api::answer::{AnswerBody, nothing};

const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
const FILE_KEY: HeaderName = HeaderName::from_static("weir-file-key");
const FILE_ID: HeaderName = HeaderName::from_static("weir-file-id");
const FILE_UUID: HeaderName = HeaderName::from_static("weir-file-uuid");
const FILE_SHA256: HeaderName = HeaderName::from_static("weir-file-sha256");
const FILE_BYTES: HeaderName = HeaderName::from_static("weir-file-bytes");

/// How far an upload has come, and the file that it has become.
pub struct Standing<'a> {
    pub upload: &'a ResumableUpload,
    pub offset: u64,
    pub file: Option<&'a StoredFile>,
}

impl Standing<'_> {
    /// As headers, the file's address as `Location`.
    pub fn answer(&self) -> Response<AnswerBody> {
        let mut answer = nothing();
        let mut tell = |name: HeaderName, value: &str| {
            // Numbers, dates and what is percent-encoded are all fit for headers.
            if let Ok(value) = HeaderValue::from_str(value) {
                answer.headers_mut().insert(name, value);
            }
        };
        tell(CACHE_CONTROL, "no-store");
        tell(UPLOAD_OFFSET, &self.offset.to_string());
        tell(UPLOAD_LENGTH, &self.upload.about().length.to_string());
        tell(UPLOAD_EXPIRES, &self.upload.expires_at().to_http_date());
        if let Some(StoredFile { id, facts, .. }) = self.file {
            let address = address(&facts.key);
            tell(FILE_KEY, address.rsplit('/').next().unwrap_or_default());
            tell(FILE_ID, &id.to_string());
            tell(FILE_UUID, &row_id::to_uuid(*id).to_string());
            tell(FILE_SHA256, &facts.hash.to_string());
            tell(FILE_BYTES, &facts.bytes.to_string());
            tell(REPR_DIGEST, &digest::written(facts.hash));
            tell(LOCATION, &address);
        }
        answer
    }

    /// The same for who has just begun it: `Location` is the upload's, and the file's is `Content-Location`.
    pub fn created(&self) -> Response<AnswerBody> {
        let mut answer = self.answer();
        *answer.status_mut() = StatusCode::CREATED;
        let headers = answer.headers_mut();
        if let Some(file) = headers.remove(LOCATION) {
            headers.insert(CONTENT_LOCATION, file);
        }
        // An id is hexadecimal digits.
        if let Ok(location) = HeaderValue::from_str(&format!("/v1/uploads/{}", self.upload.id())) {
            headers.insert(LOCATION, location);
        }
        answer
    }
}
