//! What went wrong with a bucket, by what to do about it.
//!
//! **Constraint.** What passes by itself is told from what a person has to mend, and that says how.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use reqwest::StatusCode;

use crate::Fault;
use crate::http::{Reply, clipped};

/// Who hands out credentials in Amazon's cloud; asked only where none are set.
pub(super) const CREDENTIALS_HOSTS: &str = "169.254.";
/// Codes of S3 that pass by themselves, whatever status they come with.
const PASSING: [&str; 8] = [
    "BadDigest",
    "ConditionalRequestConflict",
    "IncompleteBody",
    "InternalError",
    "OperationAborted",
    "RequestTimeout",
    "SlowDown",
    "XAmzContentSHA256Mismatch",
];

/// What went wrong. The texts are for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BucketFault {
    /// It is away or busy: the same again will do, later; after so long, where it said so.
    Away(String, Option<Duration>),
    /// A person has to mend something.
    Blocked(String),
    /// It takes nothing of this size.
    TooLarge(String),
    /// There is no object of this name.
    NoObject(String),
    /// What was begun in parts is not there: it was ended, or given up.
    NoUpload(String),
}

/// An answer that is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answered {
    status: StatusCode,
    /// S3's word for it; empty where somebody else speaks.
    code: String,
    message: String,
    after: Option<Duration>,
}

impl Answered {
    /// An error of S3 is a small document; anything else is taken as text.
    pub fn read(reply: &Reply) -> Self {
        let text = String::from_utf8_lossy(&reply.body);
        let element = |name: &str| {
            let (_, rest) = text.split_once(&format!("<{name}>"))?;
            Some(clipped(rest.split_once(&format!("</{name}>"))?.0))
        };
        let code = element("Code").unwrap_or_default();
        let message = element("Message").unwrap_or_else(|| clipped(&text));
        Self { status: reply.status, code, message, after: reply.retry_after() }
    }

    fn judge(&self, address: &str) -> BucketFault {
        let words = format!("{address} answered {self}");
        let blocked = |remedy: &str| BucketFault::Blocked(format!("{words}; {remedy}"));
        if PASSING.contains(&self.code.as_str()) {
            return BucketFault::Away(words, self.after);
        }
        match (self.status.as_u16(), self.code.as_str()) {
            (413, _) | (_, "EntityTooLarge") => BucketFault::TooLarge(words),
            (_, "NoSuchKey") => BucketFault::NoObject(words),
            (_, "NoSuchUpload") => BucketFault::NoUpload(words),
            (_, "NoSuchBucket") => blocked("make the bucket, or name another in `url`"),
            (_, "InvalidAccessKeyId") => blocked("see to `access_key`: the server does not know it"),
            (_, "SignatureDoesNotMatch") => blocked("see to `secret_key`: it is not the one of `access_key`"),
            (_, "RequestTimeTooSkewed") => blocked("set this machine's clock or the server's"),
            (_, "ExpiredToken" | "InvalidToken") => {
                blocked("see to the session token: it is worn out or wrong")
            }
            (501, _) => blocked("the server may not know conditional puts: set conditional_put = false"),
            (307 | 408 | 429 | 500..=599, _) => BucketFault::Away(words, self.after),
            (300..=399, _) | (_, "AuthorizationHeaderMalformed") => {
                blocked("see to `region` and `endpoint`: the bucket is somewhere else")
            }
            (401 | 403, _) => blocked("give the credentials the right to put objects there"),
            (404, _) => blocked("see whether `endpoint` and the bucket are right"),
            _ => blocked("see whether `url`, `endpoint` and `region` are right"),
        }
    }
}

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.status.as_str())?;
        for text in [&self.code, &self.message].into_iter().filter(|text| !text.is_empty()) {
            write!(f, ": {text}")?;
        }
        Ok(())
    }
}

impl Error for Answered {}

impl BucketFault {
    /// What the S3 library's error means, of the bucket at this address.
    pub fn of(error: &object_store::Error, address: &str) -> Self {
        if let Some(answered) = cause::<Answered>(error) {
            return answered.judge(address);
        }
        match cause::<Fault>(error) {
            Some(Fault::Blocked(text)) => Self::Blocked(format!("{address}: {text}")),
            Some(away) if away.to_string().starts_with(CREDENTIALS_HOSTS) => Self::Blocked(format!(
                "{address}: there are no credentials ({away}); set `access_key` and `secret_key`, or the variables that docs/configuration.md names"
            )),
            Some(away) => Self::Away(format!("{address}: {away}"), None),
            None => Self::Away(format!("{address}: {}", clipped(&error.to_string())), None),
        }
    }
}

fn cause<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    error.downcast_ref().or_else(|| error.source().and_then(cause))
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderMap;

    fn judged(status: u16, code: &str) -> &'static str {
        let status = StatusCode::from_u16(status).unwrap();
        let body =
            format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>words</Message></Error>");
        let body = if code.is_empty() { "<html>".to_owned() } else { body };
        let answered = Answered::read(&Reply { status, headers: HeaderMap::new(), body: body.into() });
        match answered.judge("s3://b") {
            BucketFault::Away(..) => "away",
            BucketFault::Blocked(_) => "blocked",
            BucketFault::TooLarge(_) => "too large",
            BucketFault::NoObject(_) => "no object",
            BucketFault::NoUpload(_) => "no upload",
        }
    }

    #[test]
    fn what_an_answer_means_is_told_by_its_code_before_its_status() {
        for (status, code, expected) in [
            (500, "InternalError", "away"),
            (503, "SlowDown", "away"),
            (503, "", "away"),
            (507, "XMinioStorageFull", "away"),
            (429, "TooManyRequests", "away"),
            (409, "ConditionalRequestConflict", "away"),
            (409, "OperationAborted", "away"),
            (400, "RequestTimeout", "away"),
            (400, "IncompleteBody", "away"),
            (307, "TemporaryRedirect", "away"),
            (413, "", "too large"),
            (400, "EntityTooLarge", "too large"),
            (301, "PermanentRedirect", "blocked"),
            (400, "AuthorizationHeaderMalformed", "blocked"),
            (403, "AccessDenied", "blocked"),
            (403, "InvalidAccessKeyId", "blocked"),
            (403, "SignatureDoesNotMatch", "blocked"),
            (403, "RequestTimeTooSkewed", "blocked"),
            (404, "NoSuchBucket", "blocked"),
            (404, "", "blocked"),
            (404, "NoSuchKey", "no object"),
            (404, "NoSuchUpload", "no upload"),
            (400, "InvalidBucketName", "blocked"),
            (501, "NotImplemented", "blocked"),
        ] {
            assert_eq!(judged(status, code), expected, "{status} {code}");
        }
    }
}
