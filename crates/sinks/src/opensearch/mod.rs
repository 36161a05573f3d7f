//! The OpenSearch sink: one document an event, in an index a month. Elasticsearch 7 to 9 is served the same way.
//!
//! **Constraint.** `_id` is the event's id, the index follows from `received_at` in UTC, and the action is `create`:
//! a repeat, whenever it comes, meets the document it made and is a duplicate. Nothing counts as stored that the
//! answer does not name, item by item.
//!
//! [`bulk`] writes the body, [`http`] sends it, [`answer`] judges each item; [`template`] (in the store's own
//! [`dialect`]) sees to it that an index has
//! the right mapping before its first document.

mod answer;
mod bulk;
mod column;
mod dialect;
mod document;
mod http;
mod index_name;
mod settings;
mod template;

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Method;
use weir_core::sink::{Batch, Receipt, Sink, SinkError};

use crate::SettingsError;
use crate::client::within;
use crate::columns::Mapping;
use answer::whole;
use bulk::{Bulk, Lines};
use column::Kind;
use http::{Http, Request};
use index_name::IndexName;
pub use settings::{Credentials, OpenSearchSettings};
use template::Templates;

/// Of the answer, only what is judged: it is as long as the batch.
const BULK_QUERY: &str = "filter_path=errors,error,status,items.*._id,items.*.status,items.*.error.type,\
    items.*.error.reason,items.*.error.caused_by";

/// Stores events as documents.
pub struct OpenSearchSink {
    http: Http,
    index: IndexName,
    mapping: Arc<Mapping<Kind>>,
    /// `None` where the operator sees to the mapping.
    templates: Option<Templates>,
    settings: OpenSearchSettings,
}

impl OpenSearchSink {
    /// Made ready, without asking the store for anything.
    pub fn start(settings: OpenSearchSettings) -> Result<Self, SettingsError> {
        let index = IndexName::parse(&settings.index, &settings.environment)?;
        let mapping = Arc::new(settings.mapping()?);
        Ok(Self {
            http: Http::new(&settings)?,
            index,
            templates: settings.template_install.then(|| Templates::new(&mapping)),
            mapping,
            settings,
        })
    }

    /// The store's address without credentials, as it may be shown.
    pub fn address(&self) -> &str {
        self.http.address()
    }

    async fn store(&self, batch: &Batch) -> Result<Receipt, SinkError> {
        let lines = Lines::new(
            batch.records.clone(),
            self.index.clone(),
            self.mapping.clone(),
            self.settings.compress,
        );
        let bulk: Bulk =
            tokio::task::spawn_blocking(move || lines.write()).await.map_err(SinkError::retry)?;
        if bulk.sent.is_empty() {
            return Ok(Receipt { exceptions: bulk.refused, ..Receipt::default() });
        }
        if let Some(templates) = &self.templates {
            templates.ensure(&self.http, &bulk.indices).await?;
        }
        let request = Request {
            method: Method::POST,
            path: &["_bulk"],
            query: Some(BULK_QUERY),
            content_type: "application/x-ndjson",
            compressed: self.settings.compress,
            body: Some(bulk.body.clone()),
        };
        let answer = self.http.send(request).await?;
        match answer.status.as_u16() {
            200 => bulk.judge(&answer.body).map_err(|error| error.at(self.address())),
            _ => Err(whole(&answer, self.address())),
        }
    }
}

#[async_trait]
impl Sink for OpenSearchSink {
    async fn check(&self) -> Result<(), SinkError> {
        let limit = self.settings.request_timeout;
        within(limit, self.address(), async {
            match &self.templates {
                Some(templates) => templates.ensure(&self.http, &[self.index.of_events()]).await,
                None => self.http.reach().await,
            }
        })
        .await
    }

    async fn deliver(&self, batch: &Batch) -> Result<Receipt, SinkError> {
        within(self.settings.request_timeout, self.address(), self.store(batch)).await
    }
}
