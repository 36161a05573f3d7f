//! Requests by route and status. Counters are looked up once and kept: a request costs one atomic addition.

use std::sync::OnceLock;
use std::time::Duration;

use hyper::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::registered;
use crate::api::ROUTES;

const SECONDS: [f64; 12] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0];
/// Statuses from 200 to 599.
const STATUSES: usize = 400;

/// Counts and times answers.
pub struct HttpMetrics {
    requests: Family<RequestLabels, Counter>,
    seconds: Family<RouteLabel, Histogram, fn() -> Histogram>,
    handshakes_failed: Counter,
    kept: Vec<Kept>,
}

/// What one route needs at hand.
struct Kept {
    by_status: Vec<OnceLock<Counter>>,
    seconds: OnceLock<Histogram>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabel {
    route: &'static str,
}

impl HttpMetrics {
    /// Its families, put into the registry.
    pub fn register(registry: &mut Registry) -> Self {
        let kept =
            || Kept { by_status: (0..STATUSES).map(|_| OnceLock::new()).collect(), seconds: OnceLock::new() };
        Self {
            requests: registered(
                registry,
                "weir_http_requests",
                "Requests answered, by route and status",
                Family::default(),
            ),
            seconds: registered(
                registry,
                "weir_http_request_duration_seconds",
                "Time from a request's head to its answer, by route",
                Family::new_with_constructor(|| Histogram::new(SECONDS)),
            ),
            handshakes_failed: registered(
                registry,
                "weir_http_tls_handshakes_failed",
                "Clients that came no further than the TLS handshake",
                Counter::default(),
            ),
            kept: (0..ROUTES).map(|_| kept()).collect(),
        }
    }

    /// A client came no further than the handshake.
    pub fn handshake_failed(&self) {
        self.handshakes_failed.inc();
    }

    /// A request was answered.
    pub fn answered(&self, (number, route): (usize, &'static str), status: StatusCode, took: Duration) {
        let Some(kept) = self.kept.get(number) else { return };
        let status = status.as_u16();
        let counter = || self.requests.get_or_create_owned(&RequestLabels { route, status });
        match kept.by_status.get(usize::from(status).wrapping_sub(200)) {
            Some(place) => place.get_or_init(counter).inc(),
            None => counter().inc(),
        };
        let histogram = || self.seconds.get_or_create_owned(&RouteLabel { route });
        kept.seconds.get_or_init(histogram).observe(took.as_secs_f64());
    }
}
