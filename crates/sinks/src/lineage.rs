//! The lineage sink: telemetry is read, and joined to what is known of its traces.
//!
//! **Constraint.** It knows a store of lineage only by its contract. A record that cannot be read is a dead letter;
//! nothing is ever refused because something else has not come.

use std::sync::Arc;

use anyhow::anyhow;
use async_trait::async_trait;
use weir_core::event::Record;
use weir_core::formats::Fault;
use weir_core::lineage::{LineageError, LineageStore, TelemetryRecord};
use weir_core::sink::{Batch, Exception, Receipt, Refusal, Sink, SinkError, Verdict};

/// Brings telemetry into a store of lineage.
pub struct LineageSink {
    store: Arc<dyn LineageStore>,
}

impl LineageSink {
    /// Into this store.
    pub fn new(store: Arc<dyn LineageStore>) -> Self {
        Self { store }
    }
}

#[async_trait]
impl Sink for LineageSink {
    async fn check(&self) -> Result<(), SinkError> {
        self.store.check().await.map_err(sink_error)
    }

    async fn deliver(&self, batch: &Batch) -> Result<Receipt, SinkError> {
        let records = batch.records.clone();
        let reading = tokio::task::spawn_blocking(move || read(&records));
        let (told, exceptions) = reading.await.map_err(SinkError::retry)?;
        let duplicates = self.store.join(told).await.map_err(sink_error)?;
        Ok(Receipt { duplicates, exceptions, places: Vec::new() })
    }
}

fn read(records: &[Record]) -> (Vec<TelemetryRecord>, Vec<Exception>) {
    let (mut told, mut exceptions) = (Vec::with_capacity(records.len()), Vec::new());
    for (index, record) in records.iter().enumerate() {
        match read_one(record) {
            Ok(record) => told.push(record),
            Err(Fault { code, detail }) => {
                let verdict = Verdict::Refused(Refusal { reason: code.to_owned(), detail });
                exceptions.push(Exception { index, verdict });
            }
        }
    }
    (told, exceptions)
}

fn read_one(record: &Record) -> Result<TelemetryRecord, Fault> {
    let text = std::str::from_utf8(&record.event.body);
    let text = text.map_err(|_| Fault::new("invalid_utf8", "not UTF-8"))?;
    let told = TelemetryRecord::read(text)?;
    Ok(match record.origin.subject() {
        Some(subject) => told.sent_by(subject),
        None => told,
    })
}

fn sink_error(error: LineageError) -> SinkError {
    match error {
        LineageError::Retry(cause) => SinkError::retry(cause),
        LineageError::Broken(cause) => SinkError::Blocked { cause: anyhow!("{cause:#}") },
    }
}

#[cfg(test)]
mod tests {
    use weir_core::event::Origin;
    use weir_core::testkit::lineage::MemoryLineage;
    use weir_core::testkit::record;
    use weir_core::testkit::sink::batch;

    use super::*;

    fn told(offset: u64, body: &str, origin: Origin) -> Record {
        let mut told = record(offset, "telemetry", 0);
        told.event.body = body.to_owned().into();
        told.origin = Arc::new(origin);
        told
    }

    fn key(name: &str) -> Origin {
        Origin { credential: format!("key:{name}"), ..Origin::default() }
    }

    const START: &str = r#"{"type":"TRACE_START","trace":"t","createdAt":1}"#;

    #[tokio::test]
    async fn what_cannot_be_read_is_a_dead_letter_and_the_others_are_joined_once() {
        let store = MemoryLineage::new();
        let sink = LineageSink::new(Arc::new(store.clone()));
        sink.check().await.unwrap();
        let bodies =
            [START, "{", r#"{"type":"DROP","trace":"t","createdAt":2,"key":"file:a"}"#, r#"{"type":"NAP"}"#];
        let records = (0..).zip(bodies).map(|(offset, body)| told(offset, body, key("app")));
        let batch = batch("p", records.collect());
        for duplicates in [0, 2] {
            let receipt = sink.deliver(&batch).await.unwrap();
            assert_eq!(receipt.duplicates, duplicates);
            let refused = receipt.exceptions.iter().map(|exception| match &exception.verdict {
                Verdict::Refused(refusal) => (exception.index, refusal.reason.as_str()),
                Verdict::Retry(_) => panic!("{exception:?}"),
            });
            assert_eq!(refused.collect::<Vec<_>>(), [(1, "invalid_json"), (3, "unknown_type")]);
        }
        assert_eq!(store.trace("t").await.unwrap().unwrap().records, 2);
    }

    #[tokio::test]
    async fn who_sent_it_is_the_tokens_subject_or_the_keys_name() {
        let alice = Origin { user_id: Some("alice".into()), credential: "jwt:alice".into(), ..key("") };
        for (origin, user) in
            [(alice, Some("alice")), (key("local"), Some("local")), (Origin::default(), None)]
        {
            let store = MemoryLineage::new();
            let sink = LineageSink::new(Arc::new(store.clone()));
            sink.deliver(&batch("p", vec![told(0, START, origin)])).await.unwrap();
            let facts = store.trace("t").await.unwrap().unwrap().facts;
            assert_eq!(facts.user.as_ref().map(|(_, _, user)| &**user), user);
        }
    }
}
