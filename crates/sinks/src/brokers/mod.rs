//! What sinks that are brokers share: a text with places of the event in it, what a message says, and what to do about a
//! server's trouble.

mod format;
mod template;

pub use format::Format;
pub use template::Template;

use anyhow::anyhow;
use weir_connect::Fault;
use weir_core::sink::{Exception, Refusal, SinkError, Verdict};

/// What delivery does about it.
pub(crate) fn sink_error(fault: Fault) -> SinkError {
    match fault {
        Fault::Blocked(text) | Fault::Missing(text) => SinkError::Blocked { cause: anyhow!(text) },
        Fault::Refused(detail) => SinkError::Refused(refusal("refused_by_broker", detail)),
        away @ (Fault::Away(_) | Fault::Moved(..)) => SinkError::retry(away),
    }
}

/// This event will never do.
pub(crate) fn refused(index: usize, refusal: Refusal) -> Exception {
    Exception { index, verdict: Verdict::Refused(refusal) }
}

pub(crate) fn refusal(reason: &str, detail: impl Into<String>) -> Refusal {
    Refusal { reason: reason.to_owned(), detail: detail.into() }
}
