//! How a call ended, as gRPC says it.

use bytes::Bytes;
use hyper::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::GRPC;
use crate::api::answer::{AnswerBody, of_type};
use crate::api::problem::Problem;

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
/// When a client that tries again by itself is to do so, in milliseconds.
const PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");

/// What may not stand in a message as it is; whatever is not ASCII may not either.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');

/// An answer that says no, and nothing else.
pub fn refused(problem: &Problem) -> Response<AnswerBody> {
    let mut response = of_type(StatusCode::OK, GRPC, Bytes::new());
    response.headers_mut().extend(ill(problem));
    response
}

/// The trailers of a call that ended well.
pub fn well() -> HeaderMap {
    HeaderMap::from_iter([(STATUS, HeaderValue::from_static("0"))])
}

/// The trailers of one that did not.
pub fn ill(problem: &Problem) -> HeaderMap {
    let mut trailers = HeaderMap::from_iter([(STATUS, HeaderValue::from(number(problem)))]);
    let message = utf8_percent_encode(problem.detail(), ESCAPED).to_string();
    // Escaped so that nothing is left that no header may hold.
    trailers
        .extend(HeaderValue::from_maybe_shared(Bytes::from(message)).ok().map(|message| (MESSAGE, message)));
    if let Some((name, value)) = problem.header() {
        trailers.insert(name, value.clone());
        let seconds = value.to_str().ok().filter(|_| *name == RETRY_AFTER);
        if let Some(seconds) = seconds.and_then(|seconds| seconds.parse::<u64>().ok()) {
            trailers.insert(PUSHBACK, HeaderValue::from(seconds.saturating_mul(1000)));
        }
    }
    trailers
}

/// gRPC's number for what HTTP says.
fn number(problem: &Problem) -> u16 {
    match problem.status() {
        // UNIMPLEMENTED: no such method.
        StatusCode::NOT_FOUND if problem.code() == "not-found" => 12,
        // INVALID_ARGUMENT
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => 3,
        // DEADLINE_EXCEEDED
        StatusCode::REQUEST_TIMEOUT => 4,
        // NOT_FOUND
        StatusCode::NOT_FOUND => 5,
        // PERMISSION_DENIED
        StatusCode::FORBIDDEN => 7,
        // RESOURCE_EXHAUSTED
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::INSUFFICIENT_STORAGE => 8,
        // UNIMPLEMENTED: methods are posted to; and no such way of packing.
        StatusCode::METHOD_NOT_ALLOWED | StatusCode::UNSUPPORTED_MEDIA_TYPE => 12,
        // INTERNAL
        StatusCode::INTERNAL_SERVER_ERROR => 13,
        // UNAVAILABLE
        StatusCode::SERVICE_UNAVAILABLE => 14,
        // UNAUTHENTICATED
        StatusCode::UNAUTHORIZED => 16,
        // UNKNOWN
        _ => 2,
    }
}
