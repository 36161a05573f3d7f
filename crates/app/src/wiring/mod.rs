//! The one place that names every concrete type: from settings to parts that work together.
//!
//! **Constraint.** Nothing outside this folder knows which log, catalog or sink it works with.

mod clickhouse;
mod deliveries;
mod http;
mod objects;
mod opensearch;
mod sinks;

use std::sync::Arc;

use anyhow::Context;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use weir_catalog::SqliteCatalog;
use weir_core::catalog::Catalog;
use weir_core::delivery::Surroundings;
use weir_core::event::{Offset, Stream};
use weir_core::formats::pick::Pointer;
use weir_core::intake::{Intake, StreamRules};
use weir_core::ledger::Ledger;
use weir_core::log::Partition;
use weir_core::row_id::RowIds;
use weir_core::schema::CurrentRegistry;
use weir_core::world::{Clock, Random};
use weir_log::{SegmentLog, segment};

use crate::api::Api;
use crate::config::{CatalogLocation, Durability, Settings, StreamSettings};
use crate::data_dir::{DataDir, MadeKey};
use crate::deliveries::Deliveries;
use crate::logging::Logs;
use crate::metrics::Metrics;
use crate::world::{OsRandom, SystemClock};

pub use http::{listener, server_settings};
pub use sinks::{SinkSettings, sink_types};

use sinks::Around;

/// A program that only has to be served.
pub struct Program {
    /// Answers requests.
    pub api: Arc<Api>,
    /// Brings events to the sinks.
    pub deliveries: Arc<Deliveries>,
    log: Arc<SegmentLog>,
    catalog: Arc<SqliteCatalog>,
}

/// Opens log and catalog, starts the deliveries, and makes the API over them.
pub async fn assemble(
    settings: &Settings,
    data_dir: &DataDir,
    made_key: Option<&MadeKey>,
    logs: &Logs,
    stop: CancellationToken,
) -> anyhow::Result<Program> {
    let instance_id = match &settings.instance_id {
        Some(id) => id.clone(),
        None => data_dir.instance_id()?,
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let random: Arc<dyn Random> = Arc::new(OsRandom);
    let metrics = Arc::new(Metrics::new());
    let catalog = Arc::new(open_catalog(settings)?);
    let partition = Partition(instance_id.as_str().into());
    let seen = seen_by(catalog.as_ref(), &partition).await?;
    let log = Arc::new(open_log(settings, data_dir, (partition, seen), metrics.clone())?);

    let ledger = Arc::new(Ledger::new(log.clone()));
    let surroundings = Surroundings {
        log: log.clone(),
        catalog: catalog.clone(),
        ledger: ledger.clone(),
        clock: clock.clone(),
        random: random.clone(),
        row_ids: Arc::new(RowIds::new(clock.clone(), instance_number(&instance_id))),
        observer: metrics.clone(),
    };
    let around = Around { environment: &settings.environment, instance_id: &instance_id, clock: &clock };
    let sinks = deliveries::configured(&settings.sinks, around)?;
    let (registry, in_force) = crate::schemas::load(&settings.schemas.dir)?;
    crate::schemas::tell_flawed(&settings.schemas.dir.display().to_string(), &registry);
    let schemas = CurrentRegistry::new(registry);
    let deliveries = Deliveries::start(surroundings, sinks).await.context("the deliveries cannot start")?;
    let intake =
        Arc::new(Intake::new(log.clone(), streams(settings), clock.clone(), random, metrics.clone()));
    metrics.watch(ledger.clone(), log.clone(), clock.clone());
    let folder = settings.schemas.dir.clone();
    tokio::spawn(crate::schemas::keep_current(folder, schemas.clone(), in_force, stop.clone()));
    let parts = crate::api::Surroundings {
        intake,
        log: log.clone(),
        schemas,
        log_gauge: log.clone(),
        ledger,
        catalog: catalog.clone(),
        deliveries: deliveries.clone(),
        clock,
        authenticator: http::authenticator(settings, made_key),
        metrics,
        access_log: logs.access_log(settings.server.access_log),
        stop,
    };
    let api = Arc::new(Api::new(parts, http::api_settings(settings)));
    Ok(Program { api, deliveries, log, catalog })
}

impl Program {
    /// Closes what was opened. Deliveries must have ended.
    pub async fn close(self) {
        self.log.close().await;
        self.catalog.close().await;
    }
}

fn open_catalog(settings: &Settings) -> anyhow::Result<SqliteCatalog> {
    let location = settings
        .catalog
        .location()
        .map_err(|(what, remedy)| anyhow::anyhow!("catalog.url {what}. {remedy}"))?;
    match location {
        CatalogLocation::Sqlite(path) => SqliteCatalog::open(&path)
            .with_context(|| format!("the catalog {} cannot be opened", path.display())),
    }
}

/// How far the catalog has seen the log. A log that has lost its end must not give these offsets to other events: they
/// would be taken for delivered.
async fn seen_by(catalog: &dyn Catalog, partition: &Partition) -> anyhow::Result<Offset> {
    let accounts = catalog.accounts().await.context("the catalog cannot be read")?;
    let seen =
        accounts.iter().filter(|account| account.key.partition == *partition).map(|account| account.planned);
    Ok(seen.max().unwrap_or_default())
}

fn open_log(
    settings: &Settings,
    data_dir: &DataDir,
    (partition, continue_at): (Partition, Offset),
    metrics: Arc<Metrics>,
) -> anyhow::Result<SegmentLog> {
    let wanted = &settings.log;
    let settings = segment::LogSettings {
        continue_at,
        durability: match wanted.durability {
            Durability::Fsync => segment::Durability::Fsync,
            Durability::Os => segment::Durability::Os,
        },
        max_bytes: wanted.max_bytes,
        free_min_bytes: wanted.free_min_bytes,
        retention: wanted.retention,
        retention_max_bytes: wanted.retention_max_bytes.unwrap_or(wanted.max_bytes),
        segment_bytes: wanted.segment_bytes,
        ..segment::LogSettings::new(data_dir.path().join("log"), partition)
    };
    let (log, report) = SegmentLog::open(settings, metrics)?;
    tell(&report);
    Ok(log)
}

/// What a start should not pass over in silence.
fn tell(report: &segment::OpenReport) {
    if let Some(torn) = &report.torn {
        let file = torn.file.display();
        let (bytes, at) = (torn.bytes, torn.byte_offset);
        tracing::warn!(
            "{file}: an entry that was never finished, nor acknowledged, is cut off ({bytes} bytes at {at})"
        );
    }
    if report.left_out > 0 {
        tracing::error!(
            "the log ends {} events before what the catalog has seen of it: they were lost with the log's end, or the \
             log was restored from a backup; it goes on after them",
            report.left_out
        );
    }
    for damaged in &report.damaged {
        let (file, bytes, at) = (damaged.file.display(), damaged.bytes, damaged.byte_offset);
        let lost: u64 = damaged.lost.values().sum();
        tracing::error!(
            "{file}: {bytes} bytes at {at} cannot be read and are set aside; {lost} events are in them"
        );
    }
    for file in &report.heads_damaged {
        tracing::error!("{}: its head is damaged", file.display());
    }
}

/// The built-in streams and those that are declared. `check` has made sure of names and pointers.
fn streams(settings: &Settings) -> Vec<StreamRules> {
    let declared =
        settings.streams.iter().filter_map(|(name, stream)| Some(rules(Stream::new(name)?, stream)));
    [StreamRules::events(), StreamRules::store()].into_iter().chain(declared).collect()
}

fn rules(stream: Stream, settings: &StreamSettings) -> StreamRules {
    let pointer = |text: &Option<String>| text.as_deref().and_then(Pointer::parse);
    let required = settings.required.iter().filter_map(|text| Pointer::parse(text));
    StreamRules::configured(
        stream,
        pointer(&settings.id),
        pointer(&settings.time),
        pointer(&settings.user),
        required,
    )
}

/// Ten bits that tell instances apart in row numbers.
fn instance_number(instance_id: &str) -> u16 {
    let digest = Sha256::digest(instance_id.as_bytes());
    u16::from_be_bytes([digest[0], digest[1]]) & 0x3FF
}
