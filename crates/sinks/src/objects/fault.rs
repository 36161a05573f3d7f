//! What went wrong with an object, by what to do.
//!
//! **Constraint.** No event is blamed for what is wrong with a bucket or a disk. What passes by itself is tried again;
//! what a person has to mend says how.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use anyhow::anyhow;
use reqwest::StatusCode;
use rustix::io::Errno;
use weir_core::sink::{Refusal, SinkError};

use crate::client::{Reply, clipped};

/// Who hands out credentials in Amazon's cloud; asked only where none are set.
pub(super) const CREDENTIALS_HOSTS: &str = "169.254.";
/// Codes of S3 that pass by themselves, whatever status they come with.
const PASSING: [&str; 9] = [
    "BadDigest",
    "ConditionalRequestConflict",
    "IncompleteBody",
    "InternalError",
    "NoSuchUpload",
    "OperationAborted",
    "RequestTimeout",
    "SlowDown",
    "XAmzContentSHA256Mismatch",
];

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

    fn judge(&self, address: &str) -> SinkError {
        let words = format!("{address} answered {self}");
        let blocked = |remedy: &str| SinkError::Blocked { cause: anyhow!("{words}; {remedy}") };
        if PASSING.contains(&self.code.as_str()) {
            return SinkError::Retry { cause: anyhow!(words), after: self.after };
        }
        match (self.status.as_u16(), self.code.as_str()) {
            (413, _) | (_, "EntityTooLarge") => {
                SinkError::Refused(Refusal { reason: "too_large".to_owned(), detail: words })
            }
            (_, "NoSuchBucket") => blocked("make the bucket, or name another in `url`"),
            (_, "InvalidAccessKeyId") => blocked("see to `access_key`: the server does not know it"),
            (_, "SignatureDoesNotMatch") => blocked("see to `secret_key`: it is not the one of `access_key`"),
            (_, "RequestTimeTooSkewed") => blocked("set this machine's clock or the server's"),
            (_, "ExpiredToken" | "InvalidToken") => {
                blocked("see to the session token: it is worn out or wrong")
            }
            (501, _) => blocked("the server may not know conditional puts: set conditional_put = false"),
            (307 | 408 | 429 | 500..=599, _) => SinkError::Retry { cause: anyhow!(words), after: self.after },
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

/// What the S3 library's error means.
pub(super) fn of_bucket(error: &object_store::Error, address: &str) -> SinkError {
    if let Some(answered) = cause::<Answered>(error) {
        return answered.judge(address);
    }
    match cause::<SinkError>(error) {
        Some(SinkError::Blocked { cause }) => SinkError::Blocked { cause: anyhow!("{address}: {cause:#}") },
        Some(away) if away.to_string().starts_with(CREDENTIALS_HOSTS) => SinkError::Blocked {
            cause: anyhow!(
                "{address}: there are no credentials ({away}); set `access_key` and `secret_key`, or the variables that docs/configuration.md names"
            ),
        },
        Some(away) => SinkError::retry(anyhow!("{address}: {away}")),
        None => SinkError::retry(anyhow!("{address}: {}", clipped(&error.to_string()))),
    }
}

fn cause<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    error.downcast_ref().or_else(|| error.source().and_then(cause))
}

/// What a file system's error means.
pub(super) fn of_folder(error: &io::Error, address: &str) -> SinkError {
    let retry = |what: &str| SinkError::retry(anyhow!("{address}: {what} ({error})"));
    let blocked = |what: &str| SinkError::Blocked { cause: anyhow!("{address}: {what} ({error})") };
    match Errno::from_io_error(error) {
        Some(Errno::NOSPC | Errno::DQUOT) => retry("the disk is full; make room, and it goes on by itself"),
        Some(Errno::ROFS) => {
            retry("the disk can only be read; mount it for writing, and it goes on by itself")
        }
        Some(Errno::ACCESS | Errno::PERM) => blocked("let this user write there"),
        Some(Errno::LOOP | Errno::NOTDIR) => blocked(
            "a link or a file stands where a folder belongs; links beneath the root are not followed, remove it",
        ),
        Some(Errno::EXIST | Errno::ISDIR) => {
            blocked("something that is no file stands where an object belongs; remove it")
        }
        Some(Errno::NAMETOOLONG) => blocked("the names are too long for this disk; set a shorter `name`"),
        _ => retry("it cannot be written"),
    }
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
            SinkError::Retry { .. } => "retry",
            SinkError::Blocked { .. } => "blocked",
            SinkError::Refused(_) => "refused",
        }
    }

    #[test]
    fn what_an_answer_means_is_told_by_its_code_before_its_status() {
        for (status, code, expected) in [
            (500, "InternalError", "retry"),
            (503, "SlowDown", "retry"),
            (503, "", "retry"),
            (507, "XMinioStorageFull", "retry"),
            (429, "TooManyRequests", "retry"),
            (409, "ConditionalRequestConflict", "retry"),
            (409, "OperationAborted", "retry"),
            (400, "RequestTimeout", "retry"),
            (400, "IncompleteBody", "retry"),
            (307, "TemporaryRedirect", "retry"),
            (413, "", "refused"),
            (400, "EntityTooLarge", "refused"),
            (301, "PermanentRedirect", "blocked"),
            (400, "AuthorizationHeaderMalformed", "blocked"),
            (403, "AccessDenied", "blocked"),
            (403, "InvalidAccessKeyId", "blocked"),
            (403, "SignatureDoesNotMatch", "blocked"),
            (403, "RequestTimeTooSkewed", "blocked"),
            (404, "NoSuchBucket", "blocked"),
            (404, "", "blocked"),
            (400, "InvalidBucketName", "blocked"),
            (501, "NotImplemented", "blocked"),
        ] {
            assert_eq!(judged(status, code), expected, "{status} {code}");
        }
    }

    #[test]
    fn a_full_disk_passes_and_what_is_forbidden_does_not() {
        let of = |errno: Errno| of_folder(&errno.into(), "/archive");
        for (errno, word) in
            [(Errno::NOSPC, "make room"), (Errno::DQUOT, "make room"), (Errno::ROFS, "mount it")]
        {
            let SinkError::Retry { cause, .. } = of(errno) else { panic!("{errno}") };
            assert!(cause.to_string().contains(word), "{cause}");
        }
        for (errno, word) in
            [(Errno::ACCESS, "this user"), (Errno::LOOP, "link"), (Errno::NAMETOOLONG, "shorter")]
        {
            let SinkError::Blocked { cause } = of(errno) else { panic!("{errno}") };
            assert!(cause.to_string().contains(word), "{cause}");
        }
    }
}
