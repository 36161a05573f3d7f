//! Whether Weir is there, alive, and ready; and its metrics.

use std::time::Duration;

use hyper::StatusCode;
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use super::answer::{Answer, json, of_type};
use super::entry::Api;
use super::log_gauge::LogGauge;
use super::problem::{Problem, ProblemDocument};
use super::route::Route;
use crate::metrics;

const NOT_READY_RETRY_AFTER: Duration = Duration::from_secs(1);

/// Alive, or ready.
#[derive(Serialize, ToSchema)]
pub struct Well {
    /// `alive` or `ready`.
    status: &'static str,
}

/// Why Weir is not ready.
#[derive(Serialize, ToSchema)]
pub struct Reason {
    /// `draining` or `log`.
    code: &'static str,
    /// What is wrong and what would mend it.
    detail: String,
}

/// Answers the probes, which need no key.
pub fn answer(api: &Api, route: Route<'_>) -> Answer {
    match route {
        Route::Ping => get_ping(),
        Route::Health => get_healthz(),
        Route::Readiness => get_readyz(api),
        Route::Metrics => get_metrics(api),
        _ => Err(Problem::not_found("there is nothing at this address")),
    }
}

/// Says `pong`.
#[utoipa::path(
    get, path = "/ping", tag = "probes", security(()),
    responses((status = 200, description = "`pong`", body = String, content_type = "text/plain"))
)]
fn get_ping() -> Answer {
    Ok(of_type(StatusCode::OK, "text/plain; charset=utf-8", "pong"))
}

/// The process is alive and answers.
#[utoipa::path(
    get, path = "/healthz", tag = "probes", security(()),
    responses((status = 200, description = "Alive", body = Well))
)]
fn get_healthz() -> Answer {
    json(StatusCode::OK, &Well { status: "alive" })
}

/// Events can be taken in. Sinks that are away do not matter.
#[utoipa::path(
    get, path = "/readyz", tag = "probes", security(()),
    responses(
        (status = 200, description = "Ready", body = Well),
        (status = 503, description = "Not ready, with `reasons`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
fn get_readyz(api: &Api) -> Answer {
    let reasons = against_readiness(&api.surroundings.stop, api.surroundings.log_gauge.as_ref());
    match reasons.first() {
        None => json(StatusCode::OK, &Well { status: "ready" }),
        Some(first) => {
            let detail = first.detail.clone();
            Err(Problem::unavailable("not-ready", detail, NOT_READY_RETRY_AFTER).with("reasons", reasons))
        }
    }
}

/// Why no events can be taken in; nothing where they can.
pub fn against_readiness(stop: &CancellationToken, log_gauge: &dyn LogGauge) -> Vec<Reason> {
    let draining = stop.is_cancelled();
    let draining = draining.then(|| Reason { code: "draining", detail: "Weir is being stopped".to_owned() });
    let log = log_gauge.trouble().map(|detail| Reason { code: "log", detail });
    draining.into_iter().chain(log).collect()
}

/// Metrics as OpenMetrics text, for Prometheus.
#[utoipa::path(
    get, path = "/metrics", tag = "operation",
    responses((status = 200, description = "OpenMetrics text", body = String, content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8"))
)]
fn get_metrics(api: &Api) -> Answer {
    let text = api.surroundings.metrics.text().map_err(|error| Problem::internal(&error))?;
    Ok(of_type(StatusCode::OK, metrics::CONTENT_TYPE, text))
}
