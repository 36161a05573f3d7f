//! What went wrong with an object, by what to do.
//!
//! **Constraint.** No event is blamed for what is wrong with a bucket or a disk. What passes by itself is tried again;
//! what a person has to mend says how.

use std::io;

use anyhow::anyhow;
use rustix::io::Errno;
use weir_connect::s3::BucketFault;
use weir_core::sink::{Refusal, SinkError};

/// What a bucket's fault means.
pub(super) fn of_bucket(error: &object_store::Error, address: &str) -> SinkError {
    match BucketFault::of(error, address) {
        BucketFault::Away(words, after) => SinkError::Retry { cause: anyhow!(words), after },
        BucketFault::Blocked(words) | BucketFault::NoObject(words) => {
            SinkError::Blocked { cause: anyhow!(words) }
        }
        // Somebody gave it up in between: it is begun again.
        BucketFault::NoUpload(words) => SinkError::Retry { cause: anyhow!(words), after: None },
        BucketFault::TooLarge(detail) => {
            SinkError::Refused(Refusal { reason: "too_large".to_owned(), detail })
        }
    }
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
