//! Calls from pages of other origins; none unless the settings name them.

use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderValue,
    ORIGIN, VARY,
};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Response};

use super::answer::{AnswerBody, nothing};

const HEADERS_ALLOWED: &str = "authorization, content-type, content-encoding, idempotency-key, device-uuid, app-version, \
    os-version, x-request-id, tus-resumable, upload-length, upload-offset, upload-metadata, upload-checksum";
const HEADERS_EXPOSED: &str = "x-request-id, retry-after, location, tus-resumable, tus-version, tus-extension, tus-max-size, \
    upload-offset, upload-length, upload-expires, upload-metadata";

/// Whether this only asks what would be allowed. It carries no key, and its answer tells nothing.
pub fn is_preflight(head: &Parts) -> bool {
    head.method == Method::OPTIONS && head.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// What a page of a named origin may do: everything that it has a key for.
pub fn preflight() -> Response<AnswerBody> {
    let mut response = nothing();
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, POST, PATCH, DELETE"));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(HEADERS_ALLOWED));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    response
}

/// Lets the page read the answer, if its origin is one of these.
pub fn permit(origins: &[String], request: &HeaderMap, answer: &mut HeaderMap) {
    answer.append(VARY, HeaderValue::from_static("origin"));
    let Some(origin) = request.get(ORIGIN) else { return };
    if origins.iter().any(|allowed| allowed == "*" || allowed.as_bytes() == origin.as_bytes()) {
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(HEADERS_EXPOSED));
    }
}
