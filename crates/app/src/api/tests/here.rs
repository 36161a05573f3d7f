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
use weir_core::testkit::log::MemoryLog;
use weir_core::testkit::world::{SeededRandom, TestClock};

use crate::api::{AnswerBody, Api, ApiSettings, Door, LogGauge, Surroundings};
use crate::auth::{AuthSettings, Authenticator, NamedKey};
use crate::deliveries::{ConfiguredSink, Deliveries};
use crate::logging::AccessLog;
use crate::metrics::Metrics;
use crate::secret::Secret;

pub const KEY: &str = "the-key";
pub const JWT_SECRET: &str = "a secret of at least thirty-two bytes";

/// The API, and the levers behind it.
pub struct Here {
    pub api: Arc<Api>,
    pub log: Arc<MemoryLog>,
    pub ledger: Arc<Ledger>,
    pub schemas: CurrentRegistry,
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
        metrics.watch(ledger.clone(), gauge.clone(), clock.clone());
        let around = DeliverySurroundings {
            log: log.clone(),
            catalog: Arc::new(catalog.clone()),
            ledger: ledger.clone(),
            clock: clock.clone(),
            random: random.clone(),
            row_ids: Arc::new(RowIds::new(clock.clone(), 1)),
            observer: metrics.clone(),
        };
        let deliveries = Deliveries::start(around, [configured(sink.clone())]).await.unwrap();
        let stop = CancellationToken::new();
        let schemas = CurrentRegistry::new(event_types());
        let surroundings = Surroundings {
            intake: Arc::new(Intake::new(log.clone(), streams(), clock.clone(), random, metrics.clone())),
            log: log.clone(),
            schemas: schemas.clone(),
            log_gauge: gauge.clone(),
            ledger: ledger.clone(),
            catalog: Arc::new(catalog.clone()),
            deliveries,
            clock,
            authenticator: authenticator(),
            metrics,
            access_log: AccessLog::silent(),
            stop: stop.clone(),
        };
        Self { api: Arc::new(Api::new(surroundings, settings)), log, ledger, schemas, sink, gauge, stop }
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
        let refuses = |body: &[u8]| {
            let event: Value = serde_json::from_slice(body).unwrap();
            event["label"] == "refuse" && !self.mended.load(Ordering::Relaxed)
        };
        let refusal = Refusal { reason: "picky".to_owned(), detail: "I do not like it".to_owned() };
        let guilty = batch.records.iter().enumerate().filter(|(_, record)| refuses(&record.event.body));
        let exceptions =
            guilty.map(|(index, _)| Exception { index, verdict: Verdict::Refused(refusal.clone()) });
        Ok(Receipt { duplicates: 0, exceptions: exceptions.collect() })
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

fn streams() -> [StreamRules; 3] {
    let pointer = |text| Pointer::parse(text).unwrap();
    let actions = StreamRules::configured(
        Stream::new("actions").unwrap(),
        Some(pointer("/id")),
        Some(pointer("/ts")),
        Some(pointer("/uid")),
        [pointer("/uid"), pointer("/kind")],
    );
    [StreamRules::events(), StreamRules::store(), actions]
}

fn authenticator() -> Authenticator {
    Authenticator::new(&AuthSettings {
        keys: vec![NamedKey { name: "app".to_owned(), key: Secret::new(KEY) }],
        jwt_secret: Some(Secret::new(JWT_SECRET)),
    })
}
