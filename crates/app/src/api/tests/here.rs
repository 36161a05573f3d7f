//! A whole API in memory, and how to call it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response};
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use weir_core::delivery::{BatchLimits, RetryPolicy, Route, Surroundings as DeliverySurroundings};
use weir_core::event::Stream;
use weir_core::formats::pick::Pointer;
use weir_core::intake::{Intake, StreamRules};
use weir_core::ledger::Ledger;
use weir_core::row_id::RowIds;
use weir_core::schema::{CurrentRegistry, Registry};
use weir_core::sink::{Batch, Exception, Receipt, Refusal, Sink, SinkError, SinkName, Verdict};
use weir_core::testkit::catalog::MemoryCatalog;
use weir_core::testkit::files::MemoryFiles;
use weir_core::testkit::lineage::MemoryLineage;
use weir_core::testkit::log::MemoryLog;
use weir_core::testkit::world::{SeededRandom, TestClock};
use weir_files::{FileLimits, Files, Folder, ResumableUploads, Staging};

use crate::api::{AnswerBody, Api, ApiSettings, Door, FileDesk, Lineage, LogGauge, Surroundings};
use crate::auth::{AuthSettings, Authenticator, NamedKey};
use crate::deliveries::{ConfiguredSink, Deliveries, SinksElsewhere};
use crate::exports::{ExportLimits, Exports};
use crate::logging::AccessLog;
use crate::metrics::Metrics;
use crate::secret::Secret;

pub const KEY: &str = "the-key";
pub const JWT_SECRET: &str = "a secret of at least thirty-two bytes";

/// Traces without a record for so long are quiet.
pub const QUIET_AFTER: Duration = Duration::from_secs(3600);

/// An upload over many requests may take so long.
pub const UPLOADS_KEPT: Duration = Duration::from_secs(3600);

/// The API, and the levers behind it.
pub struct Here {
    pub api: Arc<Api>,
    pub log: Arc<MemoryLog>,
    pub ledger: Arc<Ledger>,
    pub schemas: CurrentRegistry,
    pub lineage: MemoryLineage,
    /// Where files lie.
    pub directory: tempfile::TempDir,
    pub sink: Arc<Picky>,
    pub gauge: Arc<Gauge>,
    pub stop: CancellationToken,
}

/// What came back.
pub struct Seen {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Refuses events that say `"label":"refuse"`, until it is mended.
#[derive(Default)]
pub struct Picky {
    mended: AtomicBool,
    /// What it says is wrong when it is asked.
    pub ailment: Mutex<Option<String>>,
    /// While it is true, it takes its time.
    pub holds: watch::Sender<bool>,
}

/// A log whose troubles are made up; asked about the trouble `panic`, it does.
#[derive(Default)]
pub struct Gauge(pub Mutex<Option<String>>);

impl Here {
    pub async fn new() -> Self {
        Self::with(ApiSettings::default()).await
    }

    pub async fn with(settings: ApiSettings) -> Self {
        let (log, catalog) = (Arc::new(MemoryLog::keeping("p1")), MemoryCatalog::new());
        let (ledger, metrics) = (Arc::new(Ledger::new(log.clone())), Arc::new(Metrics::new()));
        let (clock, random) = (Arc::new(TestClock::start()), Arc::new(SeededRandom::new(1)));
        let (sink, gauge) = (Arc::new(Picky::default()), Arc::new(Gauge::default()));
        metrics.watch(ledger.clone(), gauge.clone(), Vec::new(), clock.clone());
        let around = DeliverySurroundings {
            log: log.clone(),
            catalog: Arc::new(catalog.clone()),
            ledger: ledger.clone(),
            clock: clock.clone(),
            random: random.clone(),
            row_ids: Arc::new(RowIds::new(clock.clone(), 1)),
            observer: metrics.clone(),
        };
        let sinks = [configured(sink.clone())];
        let deliveries = Deliveries::start(around, sinks, SinksElsewhere::default()).await.unwrap();
        let stop = CancellationToken::new();
        let schemas = CurrentRegistry::new(event_types());
        let (lineage, directory) = (MemoryLineage::new(), tempfile::tempdir().unwrap());
        let (files, desk) = files(&directory, clock.clone());
        let surroundings = Surroundings {
            intake: Arc::new(Intake::new(log.clone(), streams(), clock.clone(), random, metrics.clone())),
            log: log.clone(),
            schemas: schemas.clone(),
            log_gauge: gauge.clone(),
            ledger: ledger.clone(),
            inputs: Vec::new(),
            catalog: Arc::new(catalog.clone()),
            lineage: Some(Lineage::new(Arc::new(lineage.clone()), QUIET_AFTER)),
            files: Some(desk),
            exports: Some(Arc::new(exports(&directory, &lineage, files, &stop))),
            deliveries,
            clock,
            authenticator: authenticator(),
            metrics,
            access_log: AccessLog::silent(),
            stop: stop.clone(),
        };
        let api = Arc::new(Api::new(surroundings, settings));
        Self { api, log, ledger, schemas, lineage, directory, sink, gauge, stop }
    }

    /// Calls with the key.
    pub async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Seen {
        let bearer = format!("Bearer {KEY}");
        let headers = [&[("authorization", bearer.as_str())], headers].concat();
        self.call_as_told(method, path, &headers, body).await
    }

    /// Calls with these headers only.
    pub async fn call_as_told(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Seen {
        let body = body.into();
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = Method::from_bytes(method.as_bytes()).unwrap();
        *request.uri_mut() = path.parse().unwrap();
        request.headers_mut().insert("content-length", HeaderValue::from(body.len()));
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            // One byte a character, so that a test can say any byte.
            let value: Vec<u8> = value.chars().map(|character| character as u8).collect();
            request.headers_mut().append(name, HeaderValue::from_bytes(&value).unwrap());
        }
        Seen::of(self.api.answer(request, peer(), Door::Main, None).await).await
    }

    pub async fn get(&self, path: &str) -> Seen {
        self.call("GET", path, &[], "").await
    }

    pub async fn post(&self, path: &str, body: impl Into<Bytes>) -> Seen {
        self.call("POST", path, &[], body).await
    }

    /// Events in the log.
    pub fn accepted(&self) -> u64 {
        self.ledger.snapshot().accepted.values().sum()
    }

    /// Returns when the sink has nothing left to do.
    pub async fn all_settled(&self) {
        while self.ledger.snapshot().sinks.iter().any(|standing| standing.pending > 0) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Seen {
    pub async fn of(response: Response<AnswerBody>) -> Self {
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Self { status: head.status.as_u16(), headers: head.headers, body }
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The last word of a problem's type.
    pub fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.text());
        let kind = self.json()["type"].as_str().unwrap().to_owned();
        kind.strip_prefix("urn:weir:problem:").unwrap().to_owned()
    }
}

impl Picky {
    pub fn mend(&self) {
        self.mended.store(true, Ordering::Relaxed);
    }
}

#[async_trait]
impl Sink for Picky {
    async fn check(&self) -> Result<(), SinkError> {
        let ailment = self.ailment.lock().unwrap().clone();
        ailment.map_or(Ok(()), |text| Err(SinkError::Blocked { cause: anyhow::anyhow!(text) }))
    }

    async fn deliver(&self, batch: &Batch) -> Result<Receipt, SinkError> {
        // Its sender is here as well.
        let _ = self.holds.subscribe().wait_for(|holds| !holds).await;
        let refuses = |body: &[u8]| {
            let event: Value = serde_json::from_slice(body).unwrap();
            event["label"] == "refuse" && !self.mended.load(Ordering::Relaxed)
        };
        let refusal = Refusal { reason: "picky".to_owned(), detail: "I do not like it".to_owned() };
        let guilty = batch.records.iter().enumerate().filter(|(_, record)| refuses(&record.event.body));
        let exceptions =
            guilty.map(|(index, _)| Exception { index, verdict: Verdict::Refused(refusal.clone()) });
        Ok(Receipt { exceptions: exceptions.collect(), ..Receipt::default() })
    }
}

impl LogGauge for Gauge {
    fn trouble(&self) -> Option<String> {
        let trouble = self.0.lock().unwrap().clone();
        assert_ne!(trouble.as_deref(), Some("panic"), "as the test wants it");
        trouble
    }

    fn size_bytes(&self) -> u64 {
        4096
    }
}

pub fn peer() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::new(192, 0, 2, 7), 50_000))
}

fn configured(sink: Arc<Picky>) -> ConfiguredSink {
    let limits = BatchLimits { max_age: Duration::from_millis(50), ..BatchLimits::default() };
    ConfiguredSink {
        name: SinkName("picky".into()),
        route: Route::all(),
        begins_with_oldest: false,
        limits,
        retry: RetryPolicy::default(),
        sink,
    }
}

/// Those that the repository ships.
fn event_types() -> Registry {
    crate::schemas::load(concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas").as_ref()).unwrap().0
}

fn streams() -> [StreamRules; 4] {
    let pointer = |text| Pointer::parse(text).unwrap();
    let actions = StreamRules::configured(
        Stream::new("actions").unwrap(),
        Some(pointer("/id")),
        Some(pointer("/ts")),
        Some(pointer("/uid")),
        [pointer("/uid"), pointer("/kind")],
    );
    [StreamRules::events(), StreamRules::store(), StreamRules::telemetry(), actions]
}

/// Files of at most 4 MiB, in this folder.
fn files(directory: &tempfile::TempDir, clock: Arc<TestClock>) -> (Arc<Files>, FileDesk) {
    let random = Arc::new(SeededRandom::new(2));
    let folder = Folder::open(&directory.path().join("files")).unwrap();
    let staging = Staging::open(&directory.path().join("staging"), 0, random.clone()).unwrap();
    let (catalog, limits) =
        (Arc::new(MemoryFiles::default()), FileLimits { file_max_bytes: 4 << 20, inline_max_bytes: 0 });
    let uploads = directory.path().join("uploads");
    let uploads =
        ResumableUploads::open(&uploads, staging.clone(), clock.clone(), random.clone(), UPLOADS_KEPT)
            .unwrap();
    let files = Arc::new(Files::new(catalog, Arc::new(folder), staging, clock, random, limits));
    (files.clone(), FileDesk::new(files, Arc::new(uploads), Vec::new()))
}

fn exports(
    directory: &tempfile::TempDir,
    lineage: &MemoryLineage,
    files: Arc<Files>,
    stop: &CancellationToken,
) -> Exports {
    let limits = ExportLimits {
        folder: directory.path().join("exports"),
        max_bytes: 1 << 30,
        free_min_bytes: 0,
        keep: Duration::from_secs(3600),
    };
    Exports::open(&limits, Some(Arc::new(lineage.clone())), Some(files), stop.clone()).unwrap()
}

fn authenticator() -> Authenticator {
    Authenticator::new(&AuthSettings {
        keys: vec![NamedKey { name: "app".to_owned(), key: Secret::new(KEY) }],
        jwt_secret: Some(Secret::new(JWT_SECRET)),
    })
}
