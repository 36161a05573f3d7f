//! `POST /v1/sinks/{name}/replay`: what the log still keeps, sent to a sink once more.

use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_core::time::Timestamp;

use super::answer::{Answer, json};
use super::body::BodyError;
use super::entry::{Api, Call};
use super::json_body::{self, Moment};
use super::problem::{Problem, ProblemDocument};
use super::route::decoded;
use crate::deliveries::ReplayError;

const REPLAY_RETRY_AFTER: Duration = Duration::from_secs(1);

/// What to send once more.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// Received at or after; absent: from the oldest event that is kept.
    from: Option<Moment>,
    /// Received before; absent: up to now.
    to: Option<Moment>,
}

/// What has begun; `/v1/status` shows how it fares.
#[derive(Serialize, ToSchema)]
pub struct Begun {
    /// One for each partition of the log that keeps something of the period; none where nothing is kept.
    replays: Vec<BegunReplay>,
}

/// A replay of one partition.
#[derive(Serialize, ToSchema)]
struct BegunReplay {
    /// Its name.
    name: String,
    /// Kept events between its bounds, of whatever stream.
    events: u64,
}

/// Sends what the log still keeps of a period to a sink once more.
#[utoipa::path(
    post, path = "/v1/sinks/{name}/replay", tag = "operation",
    params(("name" = String, Path, description = "The sink")),
    request_body = Period,
    responses(
        (status = 202, description = "Begun", body = Begun),
        (status = 404, description = "No such sink", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "A member is unknown or wrong", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn replay_sink<B>(api: &Api, call: Call<'_>, sink: &str, body: B) -> Answer
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BodyError>,
{
    let sink = decoded(sink)?;
    let period: Period = json_body::read(&api.bodies, &call, body).await?;
    let moment = |moment: Option<Moment>, name| moment.map(|moment| moment.read(name)).transpose();
    let from = moment(period.from, "from")?.unwrap_or(Timestamp::from_micros(i64::MIN));
    let to = moment(period.to, "to")?.unwrap_or(api.surroundings.clock.now());
    let begun = api.surroundings.deliveries.replay(&sink, from, to).await.map_err(|error| match error {
        ReplayError::UnknownSink(_) => Problem::not_found(error.to_string()),
        _ => Problem::unavailable("replay", error.to_string(), REPLAY_RETRY_AFTER),
    })?;
    let replays = begun
        .into_iter()
        .map(|replay| BegunReplay { name: replay.lane, events: replay.end.0.saturating_sub(replay.first.0) });
    json(StatusCode::ACCEPTED, &Begun { replays: replays.collect() })
}
