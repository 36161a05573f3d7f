//! `grpc.health.v1.Health`: what `/readyz` tells, without a key as there.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use hyper::StatusCode;
use hyper::http::request::Parts;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_util::sync::CancellationToken;

use super::{FRAMES_MAX, Method, answered, files, following, framed, read, status};
use crate::api::answer::Answer;
use crate::api::body::{BodyError, MessageLimit, Messages};
use crate::api::entry::Api;
use crate::api::log_gauge::LogGauge;
use crate::api::probes::against_readiness;
use crate::api::problem::Problem;
use crate::server::Patience;

/// How often a watched server looks at itself.
const LOOK_EVERY: Duration = Duration::from_millis(500);
const STOPPING_RETRY_AFTER: Duration = Duration::from_secs(1);
const BUSY_RETRY_AFTER: Duration = Duration::from_secs(5);

/// `grpc.health.v1.HealthCheckRequest`
#[derive(Clone, PartialEq, prost::Message)]
pub struct HealthCheckRequest {
    #[prost(string, tag = "1")]
    service: String,
}

/// `grpc.health.v1.HealthCheckResponse`
#[derive(Clone, PartialEq, prost::Message)]
pub struct HealthCheckResponse {
    #[prost(enumeration = "Standing", tag = "1")]
    status: i32,
}

/// `grpc.health.v1.HealthCheckResponse.ServingStatus`
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub enum Standing {
    /// Never answered.
    Unknown = 0,
    /// Ready.
    Serving = 1,
    /// Not ready.
    NotServing = 2,
    /// There is no such service.
    ServiceUnknown = 3,
}

/// Tells how the server is, once or for as long as somebody listens.
pub async fn answer<B>(api: &Api, method: Method, head: &Parts, patience: Patience, body: B) -> Answer
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BodyError>,
{
    let mut messages = Messages::of(&api.bodies, head, body, patience, MessageLimit::Question)?;
    let question =
        messages.next().await?.ok_or_else(|| Problem::bad_request("empty", "there is no message"))?;
    let HealthCheckRequest { service } = read(question.bytes)?;
    let is_known = service.is_empty() || files::has_service(&service);
    let looking = Looking {
        log_gauge: api.surroundings.log_gauge.clone(),
        stop: api.surroundings.stop.clone(),
        is_known,
    };
    match method {
        Method::Watch => watch(api, looking),
        _ if !is_known => Err(Problem::new(
            StatusCode::NOT_FOUND,
            "unknown-service",
            format!("there is no service {service:?}"),
        )),
        _ => Ok(answered(&looking.look())),
    }
}

fn watch(api: &Api, looking: Looking) -> Answer {
    let place = api.watches.clone().try_acquire_owned().map_err(|_| {
        Problem::unavailable(
            "busy",
            "too many clients are watching already; ask Check now and then",
            BUSY_RETRY_AFTER,
        )
    })?;
    let (frames, bits) = mpsc::channel(FRAMES_MAX);
    tokio::spawn(looking.go_on(frames, place));
    Ok(following(bits))
}

/// Somebody looks at how the server is.
struct Looking {
    log_gauge: Arc<dyn LogGauge>,
    stop: CancellationToken,
    is_known: bool,
}

impl Looking {
    fn look(&self) -> HealthCheckResponse {
        let standing =
            match (self.is_known, against_readiness(&self.stop, self.log_gauge.as_ref()).is_empty()) {
                (false, _) => Standing::ServiceUnknown,
                (true, true) => Standing::Serving,
                (true, false) => Standing::NotServing,
            };
        HealthCheckResponse { status: standing.into() }
    }

    /// Tells it, and again whenever it has changed, until the reader goes away or the program ends.
    async fn go_on(self, frames: mpsc::Sender<Frame<Bytes>>, place: OwnedSemaphorePermit) {
        let mut told = None;
        while !frames.is_closed() {
            let now = self.look();
            if told.as_ref() != Some(&now) && frames.send(framed(&now)).await.is_err() {
                break;
            }
            told = Some(now);
            if self.stop.is_cancelled() {
                let stopping =
                    Problem::unavailable("stopping", "Weir is being stopped", STOPPING_RETRY_AFTER);
                let _ = frames.send(Frame::trailers(status::ill(&stopping))).await;
                break;
            }
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = frames.closed() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
        drop(place);
    }
}
