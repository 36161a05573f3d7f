//! What is told of a file to its trace: through the same intake as any telemetry.
//!
//! **Constraint.** The records of a moment in a file's life are the same however often they are told, so that telling again
//! changes nothing.

use weir_core::event::{Origin, Stream};
use weir_core::files::{Act, Ending, FileCatalog, FilesError, StoredFile};
use weir_core::intake::Intake;
use weir_core::lineage::{Json, NodeKind, RecordType, TelemetryRecord};
use weir_core::time::Timestamp;

use crate::api::entry::Api;
use crate::api::own_records::{self, lines, submission};
use crate::api::problem::Problem;
use crate::server::Patience;

/// Acts that are told at once.
const TOLD_AT_ONCE: usize = 100;

/// Tells a file's trace that it came and was stored. Nothing where it has no trace.
pub async fn stored(
    api: &Api,
    patience: Patience,
    origin: &Origin,
    file: &StoredFile,
) -> Result<(), Problem> {
    let at = file.facts.stored_at;
    let records = [RecordType::FileReceive, RecordType::FileStore].map(|kind| record(kind, file, at));
    match records.into_iter().flatten().collect::<Vec<_>>().as_slice() {
        [] => Ok(()),
        records => own_records::log(api, patience, origin, records).await,
    }
}

/// Tells the traces of files that ended, and have not been told. How many were.
pub async fn tell(catalog: &dyn FileCatalog, intake: &Intake) -> Result<usize, FilesError> {
    let untold = catalog.untold(TOLD_AT_ONCE).await?;
    for act in &untold {
        if let Some(record) = ended(act) {
            let (stream, body, origin) = (Stream::telemetry(), lines(&[record]), Origin::default());
            let accepting = intake.accept(submission(&stream, &body, &origin)).await;
            accepting.map_err(|error| FilesError::Retry(anyhow::anyhow!("{error}")))?;
        }
        catalog.told(act.id).await?;
    }
    Ok(untold.len())
}

fn ended(act: &Act) -> Option<TelemetryRecord> {
    let (kind, told) = match &act.ending {
        Ending::Deleted { by } => (RecordType::FileDelete, vec![("by", by)]),
        Ending::Expired { rule, reason } => {
            (RecordType::FileExpire, vec![("rule", rule), ("reason", reason)])
        }
    };
    let mut record = record(kind, &act.file, act.at)?;
    record.attrs.extend(told.into_iter().map(|(name, text)| (name.into(), Json::text(text))));
    Some(record)
}

fn record(kind: RecordType, file: &StoredFile, at: Timestamp) -> Option<TelemetryRecord> {
    let facts = &file.facts;
    let mut record = TelemetryRecord::new(kind, facts.trace.as_deref()?, at);
    record.key = Some(facts.key.clone());
    record.user = facts.user.clone();
    record.kind = Some(NodeKind::File);
    let mut attr = |name: &str, value: Json| drop(record.attrs.insert(name.into(), value));
    attr("name", Json::text(&facts.name));
    attr("bytes", Json::number(facts.bytes));
    attr("sha256", Json::text(&facts.hash.to_string()));
    if let Some(group) = &facts.group {
        attr("group", Json::text(group));
    }
    Some(record)
}
