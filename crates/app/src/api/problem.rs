//! What went wrong, as `application/problem+json` (RFC 9457).
//!
//! **Constraint.** What a client sent is quoted only where it is needed to mend it, and a secret never.

use std::fmt;
use std::time::Duration;

use hyper::header::{ALLOW, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::answer::{AnswerBody, of_type};
use crate::auth::Denied;

const CHALLENGE: &str = "Bearer realm=\"weir\", Basic realm=\"weir\", charset=\"UTF-8\"";

/// An answer that says no. Boxed, so that the answers that say yes are not made larger by it.
#[derive(Debug)]
pub struct Problem(Box<Told>);

#[derive(Debug)]
struct Told {
    status: StatusCode,
    code: &'static str,
    detail: String,
    members: Members,
    header: Option<(HeaderName, HeaderValue)>,
}

/// How a problem is written.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument<'a> {
    /// `urn:weir:problem:` and a word that stays the same.
    #[serde(rename = "type")]
    kind: String,
    /// The status in words.
    title: &'a str,
    /// The status.
    status: u16,
    /// What is wrong and what would be right.
    detail: &'a str,
    /// More, by kind: `line` and `column` or `byte`, `errors` with `path` and `detail`, `limit_bytes`,
    /// `accepted`, `ids` and `rejected`, `reasons`.
    #[serde(flatten)]
    #[schema(value_type = BTreeMap<String, Object>)]
    members: &'a Members,
}

/// Further members, in the order in which they were given.
#[derive(Debug, Default)]
struct Members(Vec<(&'static str, Box<RawValue>)>);

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Problem {
    /// A problem of this kind.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Told {
            status,
            code,
            detail: detail.into(),
            members: Members::default(),
            header: None,
        }))
    }

    /// 400: the request cannot be read.
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 422: it can be read, and what it says cannot be.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail)
    }

    /// 401, for strangers.
    pub fn unauthorized(denied: Denied) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", denied.to_string())
            .with_header(WWW_AUTHENTICATE, CHALLENGE)
    }

    /// 404: there is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    /// 405, with what is allowed.
    pub fn method_not_allowed(allowed: &'static str) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", format!("allowed here: {allowed}"))
            .with_header(ALLOW, allowed)
    }

    /// 413, with the limit.
    pub fn too_large(what: &str, limit_bytes: usize) -> Self {
        let detail = format!("{what} is larger than {limit_bytes} bytes; send less at a time");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail).with("limit_bytes", limit_bytes)
    }

    /// 503: come back later.
    pub fn unavailable(code: &'static str, detail: impl Into<String>, after: Duration) -> Self {
        let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail);
        problem.0.header = Some((RETRY_AFTER, HeaderValue::from(seconds.max(1))));
        problem
    }

    /// 500: a mistake in Weir. The client learns nothing of it; the log does.
    pub fn internal(cause: &dyn fmt::Display) -> Self {
        tracing::error!(%cause, "a request could not be answered");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Weir made a mistake; its log tells more")
    }

    /// With more to be told.
    pub fn adding(mut self, text: &str) -> Self {
        self.0.detail.push_str(text);
        self
    }

    /// With one more member.
    pub fn with(mut self, name: &'static str, value: impl Serialize) -> Self {
        // What is handed in are plain numbers, words and lists, which serde_json can always write.
        if let Ok(value) = serde_json::value::to_raw_value(&value) {
            self.0.members.0.push((name, value));
        }
        self
    }

    /// With a header.
    pub fn with_header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.0.header = Some((name, HeaderValue::from_static(value)));
        self
    }

    /// With a header that is a number.
    pub fn with_number(mut self, name: HeaderName, number: u64) -> Self {
        self.0.header = Some((name, HeaderValue::from(number)));
        self
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The word that stays the same.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// What is wrong and what would be right.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The header that goes with it.
    pub fn header(&self) -> Option<&(HeaderName, HeaderValue)> {
        self.0.header.as_ref()
    }

    /// As it is sent.
    pub fn into_response(self) -> Response<AnswerBody> {
        let Told { status, code, detail, members, header } = *self.0;
        let document = ProblemDocument {
            kind: format!("urn:weir:problem:{code}"),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: &detail,
            members: &members,
        };
        // Its parts are text and numbers; there is nothing in it that JSON cannot say.
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = of_type(status, "application/problem+json", body);
        if let Some((name, value)) = header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}
