//! The way of every request: named, admitted, routed, answered, noted.

use std::any::Any;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::FutureExt;
use http_body::Body;
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use weir_core::catalog::Catalog;
use weir_core::intake::Intake;
use weir_core::ledger::Ledger;
use weir_core::log::EventLog;
use weir_core::schema::CurrentRegistry;
use weir_core::world::Clock;

use super::admission::Admission;
use super::answer::{Answer, AnswerBody};
use super::body::{BodyError, BodyReader, content_length};
use super::client_address::client_ip;
use super::entrance::Door;
use super::files::{self, FileDesk};
use super::grpc;
use super::lineage::{self, Lineage};
use super::log_gauge::LogGauge;
use super::problem::Problem;
use super::request_id::{REQUEST_ID, RequestIds};
use super::route::Route;
use super::settings::ApiSettings;
use super::{
    cors, dead_letters, events, exports, openapi, probes, replay, schemas, sinks, status, store, tail,
};
use crate::auth::{Authenticator, Caller};
use crate::deliveries::Deliveries;
use crate::exports::Exports;
use crate::inputs::Input;
use crate::logging::{self, AccessLog};
use crate::metrics::Metrics;
use crate::server::{Patience, UnderWay};

/// Who watches over gRPC needs no key: so many are served, and others ask now and then.
const WATCHES_MAX: usize = 256;
/// Time to mend the address.
const OTHER_ROLE_RETRY_AFTER: Duration = Duration::from_secs(30);

/// What the API works with.
pub struct Surroundings {
    /// Takes events in.
    pub intake: Arc<Intake>,
    /// Gives them back.
    pub log: Arc<dyn EventLog>,
    /// The event types that there are now.
    pub schemas: CurrentRegistry,
    /// How the log stands.
    pub log_gauge: Arc<dyn LogGauge>,
    /// The accounts.
    pub ledger: Arc<Ledger>,
    /// Where events come from beside HTTP.
    pub inputs: Vec<Arc<dyn Input>>,
    /// The dead letters.
    pub catalog: Arc<dyn Catalog>,
    /// What became of files, where that is known.
    pub lineage: Option<Lineage>,
    /// The files that are kept, where any are.
    pub files: Option<FileDesk>,
    /// What is made to be taken away, where there is anything.
    pub exports: Option<Arc<Exports>>,
    /// Runs the deliveries.
    pub deliveries: Arc<Deliveries>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who is admitted.
    pub authenticator: Authenticator,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What is written down of every request.
    pub access_log: AccessLog,
    /// Cancelled when the program is to end: from then on Weir is not ready, and live answers end.
    pub stop: CancellationToken,
}

/// Answers requests.
pub struct Api {
    pub(super) surroundings: Surroundings,
    pub(super) settings: ApiSettings,
    pub(super) bodies: Arc<BodyReader>,
    pub(super) tails: Arc<Semaphore>,
    pub(super) watches: Arc<Semaphore>,
    pub(super) started: Instant,
    request_ids: RequestIds,
}

/// A request that was admitted, without its body.
pub(super) struct Call<'a> {
    pub head: &'a Parts,
    pub caller: &'a Caller,
    pub client_ip: IpAddr,
    pub patience: Patience,
}

impl Api {
    /// An API over these parts.
    pub fn new(surroundings: Surroundings, settings: ApiSettings) -> Self {
        Self {
            bodies: Arc::new(BodyReader::new(&settings)),
            tails: Arc::new(Semaphore::new(settings.tails_max)),
            watches: Arc::new(Semaphore::new(WATCHES_MAX)),
            started: Instant::now(),
            request_ids: RequestIds::new(),
            surroundings,
            settings,
        }
    }

    /// Answers a request that came from `peer` through `door`, and takes note of it.
    pub async fn answer<B>(
        &self,
        request: Request<B>,
        peer: SocketAddr,
        door: Door,
        under_way: Option<UnderWay>,
    ) -> Response<AnswerBody>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BodyError>,
    {
        let began = Instant::now();
        let (head, body) = request.into_parts();
        let route = Route::of(head.uri.path());
        let client_ip = client_ip(peer, &head.headers, &self.settings.trusted_proxies);
        let admission = self.admit(route, &head, door, peer);
        let patience = under_way.as_ref().map_or(Patience::Timer, UnderWay::patience);
        let responding = self.respond(route, &head, &admission, client_ip, patience, body);
        let answer = match AssertUnwindSafe(responding).catch_unwind().await {
            Ok(answer) => answer,
            Err(panic) => Err(Problem::internal(&panic_text(panic.as_ref()))),
        };
        // What gRPC says of it stands in the trailers; to HTTP, all of its answers are well.
        let status = answer.as_ref().map_or_else(Problem::status, Response::status);
        let mut response = match answer {
            Ok(response) => response,
            Err(problem) if grpc::is_meant(&head) => grpc::refused(&problem),
            Err(problem) => problem.into_response(),
        };
        if let AnswerBody::Live { under_way: place, .. } = response.body_mut() {
            *place = under_way;
        }
        if !self.settings.cors_origins.is_empty() {
            cors::permit(&self.settings.cors_origins, &head.headers, response.headers_mut());
        }
        response.headers_mut().insert(REQUEST_ID, self.request_ids.of(&head.headers));
        self.take_note(route, &head, client_ip, &admission, (status, &response), began.elapsed());
        response
    }

    async fn respond<B>(
        &self,
        route: Route<'_>,
        head: &Parts,
        admission: &Admission,
        client_ip: IpAddr,
        patience: Patience,
        body: B,
    ) -> Answer
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BodyError>,
    {
        let caller = match admission {
            Admission::Denied(denied) => return Err(Problem::unauthorized(*denied)),
            Admission::Preflight => return Ok(cors::preflight()),
            Admission::AtTheWrongDoor => return Err(nothing_here()),
            Admission::Anybody => None,
            Admission::Known(caller) => Some(caller),
        };
        if route == Route::Unknown {
            return Err(nothing_here());
        }
        if !route.allows(&head.method) {
            return Err(Problem::method_not_allowed(route.allowed()));
        }
        if let Route::Grpc(_) = route {
            grpc::check_meant(head)?;
        }
        let Some(caller) = caller else {
            return match route {
                Route::Grpc(method) => grpc::health::answer(self, method, head, patience, body).await,
                _ => probes::answer(self, route),
            };
        };
        let call = Call { head, caller, client_ip, patience };
        if route.needs_events() {
            self.check_takes_events()?;
        }
        match route {
            // These have limits of their own for each thing that they wait for.
            Route::Events => events::post_events(self, call, body).await,
            Route::StreamEvents(stream) => events::post_stream_events(self, call, stream, body).await,
            Route::Telemetry => events::post_telemetry(self, call, body).await,
            Route::Store => store::post_store(self, call, body).await,
            Route::Files if head.method == "POST" => files::upload(self, call, body).await,
            Route::Uploads => files::resumable(self, call, None, body).await,
            Route::Upload(id) => files::resumable(self, call, Some(id), body).await,
            Route::Grpc(grpc::Method::Reflect) => grpc::reflection::answer(self, &call, body),
            Route::Grpc(grpc::Method::Upload) => grpc::upload::upload(self, call, body).await,
            Route::Grpc(method) => grpc::telemetry::send(self, method, call, body).await,
            _ => {
                let limit = self.settings.question_timeout;
                let answering = patience.within(limit, self.question(route, call, body));
                answering.await.unwrap_or_else(|_| Err(took_too_long(limit)))
            }
        }
    }

    /// Everything that is asked, rather than sent.
    async fn question<B>(&self, route: Route<'_>, call: Call<'_>, body: B) -> Answer
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<BodyError>,
    {
        match route {
            Route::Status => status::get_status(self),
            Route::Tail => tail::get_tail(self, &call),
            Route::DeadLetters => dead_letters::list(self, &call).await,
            Route::DeadLettersReplay => dead_letters::replay_matching(self, call, body).await,
            Route::DeadLetter(id) if call.head.method == "DELETE" => dead_letters::delete(self, id).await,
            Route::DeadLetter(id) => dead_letters::show(self, id).await,
            Route::DeadLetterReplay(id) => dead_letters::replay_one(self, id).await,
            Route::Schemas => schemas::list(self, &call),
            Route::Sinks => sinks::list(self, &call),
            Route::SinkReplay(sink) => replay::replay_sink(self, call, sink, body).await,
            Route::SinkCheck(sink) => sinks::check(self, sink).await,
            Route::SinkPause(sink) => sinks::pause(self, sink).await,
            Route::SinkResume(sink) => sinks::resume(self, sink).await,
            Route::SinkForget(sink) => sinks::forget(self, call, sink, body).await,
            Route::OpenApi => openapi::get_openapi(),
            Route::Ping | Route::Health | Route::Readiness | Route::Metrics => probes::answer(self, route),
            Route::Traces if call.head.method == "POST" => lineage::begin(self, call, body).await,
            Route::Traces => lineage::list(self, &call).await,
            Route::Trace(id) => lineage::show(self, id).await,
            Route::TraceGraph(id) => lineage::graph(self, &call, id).await,
            Route::TraceLogs(id) => lineage::logs(self, &call, id).await,
            Route::NodeUpstream(id) => lineage::upstream(self, &call, id).await,
            Route::NodeDownstream(id) => lineage::downstream(self, &call, id).await,
            Route::NodeWhy(id) => lineage::why(self, &call, id).await,
            Route::Files => files::list(self, &call).await,
            Route::File(key) if call.head.method == "DELETE" => files::delete(self, &call, key).await,
            Route::File(key) => files::download(self, &call, key).await,
            Route::FileMetadata(key) => files::metadata(self, key).await,
            Route::FileJourney(key) => lineage::journey(self, &call, key).await,
            Route::GroupFiles(group) => files::group(self, &call, group).await,
            Route::GroupArchive(group) => files::archive(self, &call, group).await,
            Route::ExportTelemetry => exports::telemetry(self, &call).await,
            Route::ExportFiles => exports::files(self, &call).await,
            Route::ExportAll => exports::all(self, &call).await,
            Route::Export(id) => exports::manifest(self, &call, id).await,
            Route::ExportPart(id, part) => exports::part(self, &call, id, part).await,
            Route::RetentionActs => files::acts(self, &call).await,
            Route::RetentionPreview => files::preview(self, &call).await,
            Route::Events
            | Route::StreamEvents(_)
            | Route::Telemetry
            | Route::Store
            | Route::Uploads
            | Route::Upload(_)
            | Route::Grpc(_)
            | Route::Unknown => Err(nothing_here()),
        }
    }

    /// Metrics and the access log. The address's query is left out: it may hold what should not be kept.
    fn take_note(
        &self,
        route: Route<'_>,
        head: &Parts,
        client_ip: IpAddr,
        admission: &Admission,
        (status, response): (StatusCode, &Response<AnswerBody>),
        duration: Duration,
    ) {
        let Surroundings { metrics, access_log, clock, .. } = &self.surroundings;
        metrics.http_answered(route.kind(), status, duration);
        let request_id = response.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok());
        access_log.write(&logging::Request {
            at: clock.now(),
            method: head.method.as_str(),
            path: head.uri.path(),
            status: status.as_u16(),
            client_ip: Some(client_ip),
            bytes_in: content_length(&head.headers).unwrap_or(0) as u64,
            bytes_out: response.body().size(),
            duration,
            request_id: request_id.unwrap_or(""),
            credential: admission.credential(),
        });
    }
}

impl Api {
    /// Whether this instance takes events in; whoever sends to one that does not keeps what it has: a 4xx would have it
    /// thrown away.
    pub(super) fn check_takes_events(&self) -> Result<(), Problem> {
        if self.settings.takes_events {
            return Ok(());
        }
        let detail = format!(
            "this is an instance of the role {}, which takes no events in; send them to one of the role api",
            self.settings.roles.join(", ")
        );
        Err(Problem::unavailable("other-role", detail, OTHER_ROLE_RETRY_AFTER)
            .with("instance_id", &self.settings.instance_id)
            .with("roles", &self.settings.roles))
    }
}

fn nothing_here() -> Problem {
    Problem::not_found("there is nothing at this address")
}

fn took_too_long(limit: Duration) -> Problem {
    let detail = format!("there was no answer within {} s; try again", limit.as_secs_f64());
    Problem::unavailable("busy", detail, Duration::from_secs(1))
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    format!("a handler panicked: {}", text.unwrap_or("without words"))
}
