//! The one place that names every concrete type: from settings to parts that work together.
//!
//! **Constraint.** Nothing outside this folder knows which log, catalog or sink it works with.

mod broker_inputs;
mod brokers;
mod clickhouse;
mod deliveries;
mod exports;
mod files;
mod http;
mod inputs;
mod kafka;
mod kafka_input;
mod lineage;
mod log;
mod no_log;
mod objects;
mod opensearch;
mod sinks;

use std::sync::Arc;

use anyhow::Context;
use futures::future::join_all;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use weir_catalog::SqliteCatalog;
use weir_core::delivery::Surroundings;
use weir_core::event::Stream;
use weir_core::formats::pick::Pointer;
use weir_core::intake::{Intake, StreamRules};
use weir_core::ledger::Ledger;
use weir_core::log::Partition;
use weir_core::observe::Observers;
use weir_core::row_id::RowIds;
use weir_core::world::{Clock, Random};

use crate::api::{Api, FileDesk};
use crate::config::{Settings, StreamSettings};
use crate::data_dir::{DataDir, MadeKey};
use crate::deliveries::Deliveries;
use crate::inputs::Input;
use crate::logging::{BatchLines, Logs};
use crate::metrics::Metrics;
use crate::schemas;
use crate::world::{OsRandom, SystemClock};

pub use http::{listener, server_settings};
pub use inputs::{INPUT_TYPES, InputSettings};
pub use sinks::{SinkSettings, sink_types};

use files::OpenFiles;
use lineage::OpenLineage;
use log::OpenLog;
use sinks::Around;

/// A program that only has to be served.
pub struct Program {
    /// Answers requests.
    pub api: Arc<Api>,
    /// Brings events to the sinks.
    pub deliveries: Arc<Deliveries>,
    inputs: Vec<Arc<dyn Input>>,
    log: OpenLog,
    catalog: Arc<SqliteCatalog>,
    lineage: Option<OpenLineage>,
    files: Option<OpenFiles>,
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
    let log = OpenLog::of(settings, data_dir, partition, catalog.as_ref(), metrics.clone()).await?;

    let ledger = Arc::new(Ledger::new(log.events.clone()));
    let row_ids = Arc::new(RowIds::new(clock.clone(), instance_number(&instance_id)));
    let lineage = lineage::open(settings, row_ids.clone()).await?;
    let surroundings = Surroundings {
        log: log.events.clone(),
        catalog: catalog.clone(),
        ledger: ledger.clone(),
        clock: clock.clone(),
        random: random.clone(),
        row_ids: row_ids.clone(),
        observer: Arc::new(Observers(vec![metrics.clone(), Arc::new(BatchLines::default())])),
    };
    let files = files::open(settings, row_ids.clone(), clock.clone(), random.clone())?;
    let schemas = schemas::start(&settings.schemas.dir, stop.clone())?;
    let environment = &settings.environment;
    let around = Around { environment, instance_id: &instance_id, clock: &clock, schemas: &schemas };
    let (mut sinks, elsewhere) = (deliveries::configured(settings, around)?, deliveries::elsewhere(settings));
    sinks.extend(lineage.iter().map(lineage::sink));
    let deliveries =
        Deliveries::start(surroundings, sinks, elsewhere).await.context("the deliveries cannot start")?;
    let intake = Arc::new(Intake::new(
        log.append.clone(),
        streams(settings),
        clock.clone(),
        random.clone(),
        metrics.clone(),
    ));
    let around = inputs::Surroundings {
        deliveries: deliveries.clone(),
        intake: intake.clone(),
        ledger: ledger.clone(),
        row_ids,
        clock: clock.clone(),
        instance_id: instance_id.clone(),
        catalog: catalog.clone(),
        random,
        rules: streams(settings),
        schemas: schemas.clone(),
    };
    let inputs = inputs::start(settings, &around)?;
    metrics.watch(ledger.clone(), log.gauge.clone(), inputs.clone(), clock.clone());
    if let Some(open) = &files {
        let upkeep = files::upkeep(open, settings, intake.clone(), &metrics, stop.clone());
        tokio::spawn(upkeep.run());
    }
    let exports = exports::open(
        settings,
        lineage.as_ref().map(lineage::OpenLineage::store),
        files.as_ref().map(|open| open.files.clone()),
        stop.clone(),
    )?;
    let parts = crate::api::Surroundings {
        intake,
        log: log.events.clone(),
        schemas,
        log_gauge: log.gauge.clone(),
        ledger,
        inputs: inputs.clone(),
        catalog: catalog.clone(),
        deliveries: deliveries.clone(),
        lineage: lineage.as_ref().map(|lineage| lineage::questions(lineage, settings)),
        exports,
        files: files.as_ref().map(|open| {
            FileDesk::new(open.files.clone(), open.uploads.clone(), settings.files.retention.rules())
        }),
        clock,
        authenticator: http::authenticator(settings, made_key),
        metrics,
        access_log: logs.access_log(settings.server.access_log),
        stop,
    };
    let api = Arc::new(Api::new(parts, http::api_settings(settings, &instance_id)));
    Ok(Program { api, deliveries, inputs, log, catalog, lineage, files })
}

impl Program {
    /// Closes what was opened. Deliveries must have ended.
    pub async fn close(self) {
        join_all(self.inputs.iter().map(|input| input.close())).await;
        self.log.close().await;
        self.catalog.close().await;
        if let Some(lineage) = self.lineage {
            lineage.close().await;
        }
        if let Some(files) = self.files {
            files.rows.close().await;
        }
    }
}

fn open_catalog(settings: &Settings) -> anyhow::Result<SqliteCatalog> {
    let path = settings.catalog.accounts_path(&settings.data_dir);
    SqliteCatalog::open(&path).with_context(|| format!("the catalog {} cannot be opened", path.display()))
}

/// The built-in streams and those that are declared. `check` has made sure of names and pointers.
fn streams(settings: &Settings) -> Vec<StreamRules> {
    let declared =
        settings.streams.iter().filter_map(|(name, stream)| Some(rules(Stream::new(name)?, stream)));
    let built_in = [StreamRules::events(), StreamRules::store(), StreamRules::telemetry()];
    built_in.into_iter().chain(declared).collect()
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
