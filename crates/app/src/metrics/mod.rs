//! What is counted and measured, for Prometheus.
//!
//! **Constraint.** The events' counts come from one snapshot of the ledger a scrape, so that they add up at each:
//! accepted = delivered + dead + filtered + pending. Labels are names from the configuration and a few fixed words,
//! never anything that a client sent.

mod accounts;
mod files;
mod http;
mod inputs;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hyper::StatusCode;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};
use weir_core::event::Stream;
use weir_core::ledger::Ledger;
use weir_core::observe::Observer;
use weir_core::sink::SinkName;
use weir_core::world::Clock;

use crate::api::LogGauge;
use crate::inputs::Input;
use accounts::Accounts;
pub use files::FileMetrics;
use http::HttpMetrics;

/// What the text is.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

const SYNC_SECONDS: [f64; 12] =
    [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2.0];
const FLUSH_SECONDS: [f64; 12] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0, 30.0];
const BATCH_EVENTS: [f64; 9] = [1.0, 10.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 5000.0, 20_000.0];

type Durations = Family<SinkLabel, Histogram, fn() -> Histogram>;

/// All metrics of the process.
pub struct Metrics {
    registry: Registry,
    watched: Arc<OnceLock<Watched>>,
    rejected: Family<RejectedLabels, Counter>,
    batch_events: Durations,
    flush_seconds: Durations,
    attempts_failed: Family<SinkLabel, Counter>,
    sync_seconds: Histogram,
    synced_bytes: Counter,
    corrupt_blocks: Counter,
    files: FileMetrics,
    http: HttpMetrics,
}

/// What is asked at every scrape.
pub(crate) struct Watched {
    ledger: Arc<Ledger>,
    log: Arc<dyn LogGauge>,
    inputs: Vec<Arc<dyn Input>>,
    clock: Arc<dyn Clock>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SinkLabel {
    sink: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RejectedLabels {
    stream: String,
    code: &'static str,
}

impl Metrics {
    /// Metrics that count what they are told; see [`Metrics::watch`].
    pub fn new() -> Self {
        let mut registry = Registry::default();
        let watched = Arc::new(OnceLock::new());
        registry.register_collector(Box::new(Accounts(watched.clone())));
        let by_sink: fn(fn() -> Histogram) -> Durations = Family::new_with_constructor;
        let to = &mut registry;
        Self {
            http: HttpMetrics::register(to),
            files: FileMetrics::register(to),
            watched,
            rejected: registered(
                to,
                "weir_events_rejected",
                "Events refused at the door, by reason",
                Family::default(),
            ),
            batch_events: registered(
                to,
                "weir_batch_events",
                "Events in a batch that a sink answered",
                by_sink(|| Histogram::new(BATCH_EVENTS)),
            ),
            flush_seconds: registered(
                to,
                "weir_flush_duration_seconds",
                "Time a sink took to answer for a batch",
                by_sink(|| Histogram::new(FLUSH_SECONDS)),
            ),
            attempts_failed: registered(
                to,
                "weir_delivery_attempts_failed",
                "Attempts to deliver a batch that failed and are repeated",
                Family::default(),
            ),
            sync_seconds: registered(
                to,
                "weir_log_sync_duration_seconds",
                "Time the disk took to make a group of events durable",
                Histogram::new(SYNC_SECONDS),
            ),
            synced_bytes: registered(
                to,
                "weir_log_synced_bytes",
                "Bytes made durable in the log",
                Counter::default(),
            ),
            corrupt_blocks: registered(
                to,
                "weir_log_corrupt_blocks",
                "Blocks of the log that could not be read and were set aside",
                Counter::default(),
            ),
            registry,
        }
    }

    /// From now on tells the accounts, too. Metrics are made before what they watch, since that reports to them.
    pub fn watch(
        &self,
        ledger: Arc<Ledger>,
        log: Arc<dyn LogGauge>,
        inputs: Vec<Arc<dyn Input>>,
        clock: Arc<dyn Clock>,
    ) {
        // A second call changes nothing: there is one ledger a process.
        let _ = self.watched.set(Watched { ledger, log, inputs, clock });
    }

    /// Everything, as OpenMetrics text.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut out = String::new();
        text::encode(&mut out, &self.registry)?;
        Ok(out)
    }

    /// A request was answered; `route` is its number and label.
    pub fn http_answered(&self, route: (usize, &'static str), status: StatusCode, took: Duration) {
        self.http.answered(route, status, took);
    }

    /// What becomes of kept files.
    pub fn files(&self) -> FileMetrics {
        self.files.clone()
    }

    /// A client came no further than the handshake.
    pub fn handshake_failed(&self) {
        self.http.handshake_failed();
    }
}

/// The metric, which is told at every scrape from now on.
fn registered<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Observer for Metrics {
    fn rejected(&self, stream: &Stream, code: &'static str, events: u64) {
        let labels = RejectedLabels { stream: stream.to_string(), code };
        self.rejected.get_or_create(&labels).inc_by(events);
    }

    fn answered(&self, sink: &SinkName, events: usize, took: Duration) {
        let label = SinkLabel::of(sink);
        self.batch_events.get_or_create(&label).observe(events as f64);
        self.flush_seconds.get_or_create(&label).observe(took.as_secs_f64());
    }

    fn attempt_failed(&self, sink: &SinkName) {
        self.attempts_failed.get_or_create(&SinkLabel::of(sink)).inc();
    }

    fn synced(&self, bytes: u64, took: Duration) {
        self.sync_seconds.observe(took.as_secs_f64());
        self.synced_bytes.inc_by(bytes);
    }

    fn corrupt_block(&self) {
        self.corrupt_blocks.inc();
    }
}

impl SinkLabel {
    fn of(sink: &SinkName) -> Self {
        Self { sink: sink.to_string() }
    }
}

#[cfg(test)]
mod tests;
