//! From a broker's messages into the log.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use weir_core::catalog::CatalogError;
use weir_core::event::Record;
use weir_core::intake::Intake;
use weir_core::ledger::InputLetters;
use weir_core::log::{LogError, Source, Unreadable};
use weir_core::message::{Content, MessageReader};
use weir_core::sink::Refusal;

const AFTER_CATALOG_RETRY: Duration = Duration::from_secs(1);
/// Until a person has mended it.
const AFTER_CATALOG_BROKEN: Duration = Duration::from_secs(30);

/// Where one input's messages come in.
pub struct Door {
    /// The input's name.
    pub input: String,
    /// Finds events in messages.
    pub reader: MessageReader,
    /// Takes events in.
    pub intake: Arc<Intake>,
    /// Keeps what is none.
    pub letters: InputLetters,
}

/// Nothing can be taken in any more: the log is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

impl Door {
    /// Returns once all of it is durable, however long that takes.
    pub async fn take_in(&self, content: Content) -> Result<(), Closed> {
        let Content { records, mut unreadable } = content;
        if let Err(refused) = self.append(&records).await? {
            // One by one, so that the guilty one is found.
            let singles =
                if records.len() == 1 { vec![(&records[0], refused)] } else { self.singly(&records).await? };
            unreadable.extend(singles.into_iter().map(|(record, detail)| too_large(record, detail)));
        }
        self.keep(&unreadable).await;
        Ok(())
    }

    async fn singly<'a>(&self, records: &'a [Record]) -> Result<Vec<(&'a Record, String)>, Closed> {
        let mut refused = Vec::new();
        for record in records {
            if let Err(detail) = self.append(std::slice::from_ref(record)).await? {
                refused.push((record, detail));
            }
        }
        Ok(refused)
    }

    /// Within, why the log will never take it.
    async fn append(&self, records: &[Record]) -> Result<Result<(), String>, Closed> {
        loop {
            match self.intake.take_in(records).await {
                Ok(()) => return Ok(Ok(())),
                Err(LogError::Refused(detail)) => return Ok(Err(detail)),
                Err(LogError::Retry { reason, after }) => {
                    tracing::warn!(input = self.input, reason, "the log takes nothing now; the input waits");
                    sleep(after).await;
                }
                Err(LogError::Closed | LogError::Trimmed { .. }) => return Err(Closed),
            }
        }
    }

    async fn keep(&self, unreadable: &[Unreadable]) {
        while let Err(error) = self.letters.keep(unreadable).await {
            tracing::warn!(input = self.input, %error, "dead letters cannot be kept; the input waits");
            sleep(match error {
                CatalogError::Retry(_) => AFTER_CATALOG_RETRY,
                CatalogError::Broken(_) => AFTER_CATALOG_BROKEN,
            })
            .await;
        }
    }
}

fn too_large(record: &Record, detail: String) -> Unreadable {
    Unreadable {
        offset: record.offset,
        stream: record.stream.clone(),
        record: Some(record.clone()),
        refusal: Refusal { reason: "too_large".to_owned(), detail },
        source: Source { topic: record.origin.credential.clone(), ..Source::default() },
    }
}
