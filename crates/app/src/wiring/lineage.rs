//! From `[lineage]` to where telemetry goes, and what answers about it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use weir_catalog::{PostgresLineage, SqliteLineage};
use weir_core::delivery::{BatchLimits, RetryPolicy, Route};
use weir_core::event::Stream;
use weir_core::lineage::{LineageError, LineageStore};
use weir_core::row_id::RowIds;
use weir_core::sink::SinkName;
use weir_sinks::lineage::LineageSink;

use super::sinks::tls_settings;
use crate::api::Lineage;
use crate::config::{LINEAGE_SINK, Settings};
use crate::deliveries::ConfiguredSink;

/// Telemetry is to be seen soon after it was sent: no batch waits longer for more of it.
const BATCH_MAX_AGE: Duration = Duration::from_millis(200);
const BATCH_MAX_RECORDS: usize = 2_000;
/// How long a start waits for a server.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// Lineage, which is to be closed.
#[derive(Clone)]
pub(super) enum OpenLineage {
    /// In a file beside the catalog.
    Sqlite(Arc<SqliteLineage>),
    /// In a database that other instances may write to.
    Postgres(Arc<PostgresLineage>),
}

/// Opens lineage where the catalog's address says; `None` where it is turned off, or no telemetry comes here.
pub(super) async fn open(settings: &Settings, row_ids: Arc<RowIds>) -> anyhow::Result<Option<OpenLineage>> {
    if !settings.lineage.enabled || !(settings.has_log() || settings.inputs_here().next().is_some()) {
        return Ok(None);
    }
    Ok(Some(match settings.catalog.lineage_path() {
        Some(path) => {
            let opened = SqliteLineage::open(&path, row_ids);
            let opened = opened.with_context(|| format!("lineage in {} cannot be opened", path.display()))?;
            OpenLineage::Sqlite(Arc::new(opened))
        }
        None => OpenLineage::Postgres(Arc::new(connect(settings, row_ids).await?)),
    }))
}

/// A server that is away holds nothing up: what comes is in the log until it is back. What it will never take is told now.
async fn connect(settings: &Settings, row_ids: Arc<RowIds>) -> anyhow::Result<PostgresLineage> {
    let catalog = &settings.catalog;
    let address = catalog.postgres_address(&catalog.tls.as_ref().map(tls_settings).unwrap_or_default())?;
    let lineage = PostgresLineage::start(address, row_ids)?;
    match tokio::time::timeout(CONNECT_PATIENCE, lineage.prepare()).await {
        Ok(Ok(())) => {}
        Ok(Err(error @ LineageError::Broken(_))) => return Err(error).context("catalog.url cannot be used"),
        Ok(Err(error)) => tracing::warn!(%error, "lineage waits for Postgres"),
        Err(_) => tracing::warn!("lineage waits for Postgres, which does not answer"),
    }
    Ok(lineage)
}

impl OpenLineage {
    /// As whoever asks and whoever joins sees it.
    pub fn store(&self) -> Arc<dyn LineageStore> {
        match self {
            Self::Sqlite(lineage) => lineage.clone(),
            Self::Postgres(lineage) => lineage.clone(),
        }
    }

    /// Writes what waits.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(lineage) => lineage.close().await,
            Self::Postgres(lineage) => lineage.close().await,
        }
    }
}

/// The sink that brings telemetry there. It begins with all that the log keeps: joining it again changes nothing.
pub(super) fn sink(lineage: &OpenLineage) -> ConfiguredSink {
    ConfiguredSink {
        name: SinkName(LINEAGE_SINK.into()),
        route: Route::of([Stream::telemetry()]),
        begins_with_oldest: true,
        limits: BatchLimits {
            max_events: BATCH_MAX_RECORDS,
            max_age: BATCH_MAX_AGE,
            ..BatchLimits::default()
        },
        retry: RetryPolicy::default(),
        sink: Arc::new(LineageSink::new(lineage.store())),
    }
}

/// What the API asks.
pub(super) fn questions(lineage: &OpenLineage, settings: &Settings) -> Lineage {
    Lineage::new(lineage.store(), settings.lineage.quiet_after)
}
