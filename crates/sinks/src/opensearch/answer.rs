//! What the store's answer means: for the whole request by its status, for each event by its item.
//!
//! **Constraint.** An event is stored only where its own item says so. What the store blames on itself (no index, no
//! right, read-only, too many shards) is never put on the event.

use anyhow::anyhow;
use serde::Deserialize;
use weir_core::sink::{Exception, Receipt, Refusal, SinkError, Verdict};

use crate::client::{Reply, clipped};

/// Errors of an item that are not about its document, whatever their status.
const NOT_THE_EVENT: [&str; 8] = [
    "cluster_block_exception",
    "index_closed_exception",
    "index_create_block_exception",
    "index_not_found_exception",
    "invalid_index_name_exception",
    "security_exception",
    "validation_exception",
    "authorization_exception",
];

/// Why an answer to `_bulk` tells nothing, or one thing, of all the events.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// It is not an answer to this request.
    Unclear(String),
    /// Nothing could be done just now.
    Busy(String),
    /// Nothing can be done until somebody mends the store.
    Blocked(String),
}

impl Broken {
    pub fn at(self, address: &str) -> SinkError {
        match self {
            Self::Unclear(what) => SinkError::retry(anyhow!("{address}: the answer is broken: {what}")),
            Self::Busy(what) => SinkError::retry(anyhow!("{address}: {what}")),
            Self::Blocked(what) => {
                let remedy = "see to the index, its settings, or the credential's rights";
                SinkError::Blocked { cause: anyhow!("{address}: {what}; {remedy}") }
            }
        }
    }
}

#[derive(Deserialize)]
struct BulkAnswer {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    create: Outcome,
}

#[derive(Deserialize)]
struct Outcome {
    #[serde(rename = "_id")]
    id: String,
    status: u16,
    error: Option<Reason>,
}

#[derive(Deserialize)]
struct Failure {
    error: Reason,
}

/// An error as the store tells it: an object, or its text alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum Reason {
    Told {
        #[serde(rename = "type")]
        kind: String,
        reason: Option<String>,
        caused_by: Option<Box<Reason>>,
    },
    Text(String),
}

/// Judges each event by its item. `sent` tells, in the order of the items, the events' places and ids.
pub(super) fn judge(body: &[u8], sent: &[(usize, String)]) -> Result<Receipt, Broken> {
    let answer: BulkAnswer =
        serde_json::from_slice(body).map_err(|error| Broken::Unclear(error.to_string()))?;
    if answer.items.len() != sent.len() {
        let what = format!("it has {} items for {} events", answer.items.len(), sent.len());
        return Err(Broken::Unclear(what));
    }
    let mut receipt = Receipt::default();
    let (mut blocked, mut again) = (None, 0);
    for ((index, id), Item { create }) in sent.iter().zip(answer.items) {
        if create.id != *id {
            return Err(Broken::Unclear(format!("item {index} is of {:?}, not of {id}", create.id)));
        }
        let verdict = match create.judge() {
            Judgement::Stored => continue,
            Judgement::Duplicate => {
                receipt.duplicates += 1;
                continue;
            }
            Judgement::Refused(refusal) => Verdict::Refused(refusal),
            Judgement::Again(words) => Verdict::Retry(words),
            Judgement::Blocked(words) => {
                blocked.get_or_insert_with(|| words.clone());
                Verdict::Retry(words)
            }
        };
        again += usize::from(matches!(verdict, Verdict::Retry(_)));
        receipt.exceptions.push(Exception { index: *index, verdict });
    }
    match (receipt.exceptions.first().map(|exception| &exception.verdict), blocked) {
        (Some(_), Some(words)) if again == sent.len() => Err(Broken::Blocked(words)),
        (Some(Verdict::Retry(words)), None) if again == sent.len() => Err(Broken::Busy(words.clone())),
        _ => Ok(receipt),
    }
}

enum Judgement {
    Stored,
    Duplicate,
    Refused(Refusal),
    Again(String),
    Blocked(String),
}

impl Outcome {
    fn judge(self) -> Judgement {
        let Self { status, error, .. } = self;
        let (kind, detail) =
            error.map_or_else(|| ("unexplained".to_owned(), format!("status {status}")), Reason::words);
        let words = format!("{kind}: {detail}");
        match status {
            200 | 201 => Judgement::Stored,
            409 if kind.contains("version_conflict") => Judgement::Duplicate,
            // Of an index that is closed because the disk is nearly full, too: it is opened again when there is room.
            408 | 429 => Judgement::Again(words),
            _ if NOT_THE_EVENT.contains(&kind.as_str()) => Judgement::Blocked(words),
            401 | 403 => Judgement::Blocked(words),
            // Nothing that an event says can be what was not found: it is a shard, lost to a disk that is full, say.
            404 | 409 => Judgement::Again(words),
            400..=499 => Judgement::Refused(Refusal { reason: kind, detail }),
            _ => Judgement::Again(words),
        }
    }
}

impl Reason {
    /// The kind of the error, and the store's own words for it, down to the cause.
    fn words(self) -> (String, String) {
        match self {
            Self::Text(text) => ("unexplained".to_owned(), clipped(&text)),
            Self::Told { kind, reason, caused_by } => {
                let mut detail = reason.unwrap_or_default();
                if let Some((kind, cause)) = caused_by.map(|cause| cause.words()) {
                    detail = format!("{detail} ({kind}: {cause})");
                }
                (kind, clipped(&detail))
            }
        }
    }
}

/// What an answer other than 200 means for all of the batch.
pub(super) fn whole(answer: &Reply, address: &str) -> SinkError {
    let told = serde_json::from_slice(&answer.body).map(|Failure { error }| error.words());
    let words = match &told {
        Ok((kind, detail)) => format!("{kind}: {detail}"),
        Err(_) => clipped(&String::from_utf8_lossy(&answer.body)),
    };
    let status = answer.status.as_u16();
    let blocked = |remedy: &str| SinkError::Blocked {
        cause: anyhow!("{address} answered {status}: {remedy}: {words}"),
    };
    match (status, told) {
        (413, _) => SinkError::Refused(Refusal { reason: "too_large".to_owned(), detail: words }),
        // Without the store's own words it may be a proxy that speaks, and not of what is in the batch.
        (400, Ok((reason, detail))) => SinkError::Refused(Refusal { reason, detail }),
        (401, _) => blocked("the credentials are missing or wrong"),
        (403, Ok((kind, _))) if kind.ends_with("_block_exception") => {
            blocked("take back what blocks the cluster or the index")
        }
        (403, _) => blocked("give the credential the right to create documents, indices and index templates"),
        (404, _) => blocked("see whether the address is right, and whether indices may be created"),
        (408 | 429 | 500..=599, _) => SinkError::Retry {
            cause: anyhow!("{address} answered {status}: {words}"),
            after: answer.retry_after(),
        },
        _ => blocked("this is not what OpenSearch answers; see whether the address is right"),
    }
}
