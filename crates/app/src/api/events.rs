//! `POST /events`, `POST /v1/telemetry`, `POST /v1/streams/{stream}/events`: taking events in.

use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use hyper::StatusCode;
use weir_core::event::Stream;
use weir_core::formats::{Place, TRANSLATED_MAX_BYTES};
use weir_core::intake::{IntakeError, Outcome, Submission};
use weir_core::log::LogError;

use super::acceptance::{Accepted, write_accepted};
use super::answer::{Answer, of_type};
use super::body::BodyError;
use super::entry::{Api, Call};
use super::problem::{Problem, ProblemDocument};
use super::reading::Reading;
use super::route::decoded;
use super::sender;
use crate::server::Patience;

/// The stream of `POST /events`.
const EVENTS: &str = "events";
const BUSY_RETRY_AFTER: Duration = Duration::from_secs(1);

/// Takes in events of the stream `events`.
///
/// One JSON object, a JSON array, or one object a line. Answers when they are on disk.
#[utoipa::path(
    post, path = "/events", tag = "events",
    params(
        ("atomic" = Option<bool>, Query, description = "All events or none"),
        ("type" = Option<String>, Query, description = "For Protobuf: which message of the registry it is"),
        ("delimited" = Option<bool>, Query, description = "For Protobuf: several messages, each with its length before it"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key, the request has its effect once"),
        ("Content-Encoding" = Option<String>, Header, description = "gzip, zstd, deflate or br"),
        ("device-uuid" = Option<String>, Header, description = "Kept with the events"),
        ("app-version" = Option<String>, Header, description = "Kept with the events"),
        ("os-version" = Option<String>, Header, description = "Kept with the events"),
    ),
    request_body(content(
        (super::event_schema::EventsBody = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"),
        (String = "application/x-www-form-urlencoded"), (Vec<u8> = "application/msgpack"), (Vec<u8> = "application/x-protobuf"),
    )),
    responses(
        (status = 200, description = "Some or all were accepted, and are on disk", body = Accepted),
        (status = 400, description = "Not valid JSON, with line and column", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 405, description = "Only POST", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 408, description = "The body came too slowly", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "Larger than the limit", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "A type or encoding that is not taken", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "None was accepted, with the reason for each", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not now, see Retry-After; with `ids`: on disk, but not confirmed in time by the sink that `acknowledge` names", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn post_events<B>(api: &Api, call: Call<'_>, body: B) -> Answer
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BodyError>,
{
    take_in(api, call, EVENTS, body).await
}

/// Takes in records of telemetry: what becomes of files.
///
/// One JSON object, a JSON array, or one object a line. Answers when they are on disk.
#[utoipa::path(
    post, path = "/v1/telemetry", tag = "lineage",
    params(
        ("atomic" = Option<bool>, Query, description = "All records or none"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key, the request has its effect once"),
        ("Content-Encoding" = Option<String>, Header, description = "gzip, zstd, deflate or br"),
    ),
    request_body(content((super::lineage::TelemetryBodies = "application/json"), (String = "application/x-ndjson"))),
    responses(
        (status = 200, description = "Some or all were accepted, and are on disk", body = Accepted),
        (status = 422, description = "None was accepted, with the reason for each", body = ProblemDocument, content_type = "application/problem+json"),
        (status = "4XX", description = "As for /events", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not now; see Retry-After", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn post_telemetry<B>(api: &Api, call: Call<'_>, body: B) -> Answer
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BodyError>,
{
    take_in(api, call, Stream::telemetry().as_str(), body).await
}

/// Takes in events of any configured stream: any objects that have what the stream requires. Those of the stream
/// `store` are as `/store` takes them.
#[utoipa::path(
    post, path = "/v1/streams/{stream}/events", tag = "events",
    params(
        ("stream" = String, Path, description = "A configured stream"),
        ("atomic" = Option<bool>, Query, description = "All events or none"),
        ("type" = Option<String>, Query, description = "For Protobuf: which message of the registry it is"),
        ("delimited" = Option<bool>, Query, description = "For Protobuf: several messages, each with its length before it"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key, the request has its effect once"),
        ("Content-Encoding" = Option<String>, Header, description = "gzip, zstd, deflate or br"),
    ),
    request_body(content(
        (serde_json::Value = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"),
        (String = "application/x-www-form-urlencoded"), (Vec<u8> = "application/msgpack"), (Vec<u8> = "application/x-protobuf"),
    )),
    responses(
        (status = 200, description = "Some or all were accepted, and are on disk", body = Accepted),
        (status = 404, description = "No such stream", body = ProblemDocument, content_type = "application/problem+json"),
        (status = "4XX", description = "As for /events", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not now, see Retry-After; with `ids`: on disk, but not confirmed in time by the sink that `acknowledge` names", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn post_stream_events<B>(api: &Api, call: Call<'_>, stream: &str, body: B) -> Answer
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BodyError>,
{
    take_in(api, call, &decoded(stream)?, body).await
}

async fn take_in<B>(api: &Api, call: Call<'_>, stream: &str, body: B) -> Answer
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BodyError>,
{
    let Call { head, caller, client_ip, patience } = call;
    let intake = &api.surroundings.intake;
    let stream: &Stream = intake.stream(stream).ok_or_else(|| no_stream(stream))?;
    let registry = api.surroundings.schemas.get();
    let reading = Reading::of(&head.headers, head.uri.query(), stream, &registry)?;
    let (format, atomic, shape) = (reading.format, reading.atomic, reading.shape(&registry));
    let idempotency_key = sender::idempotency_key(&head.headers)?;
    let origin = sender::origin(&head.headers, caller, client_ip.to_string());
    let held = api.bodies.read(head, body, patience).await?;
    let body = &held.bytes;
    let submission = Submission { stream, format, shape, body, origin: &origin, idempotency_key, atomic };
    let outcome = accept(api, patience, submission).await?;
    drop(held);
    api.confirmed(stream, &outcome, patience).await?;
    answer(&outcome)
}

/// Has events on disk in time, or says why not.
pub(super) async fn accept(
    api: &Api,
    patience: Patience,
    submission: Submission<'_>,
) -> Result<Outcome, Problem> {
    api.check_confirming(submission.stream)?;
    let accepting = patience.within(api.settings.answer_timeout, api.surroundings.intake.accept(submission));
    match accepting.await {
        Err(_) => {
            Err(Problem::unavailable("busy", "the log did not take it in time; try again", BUSY_RETRY_AFTER))
        }
        Ok(outcome) => outcome.map_err(refused),
    }
}

fn answer(outcome: &Outcome) -> Answer {
    check_accepted(outcome)?;
    Ok(of_type(StatusCode::OK, "application/json", write_accepted(outcome)))
}

/// Whether anything was accepted, or why not.
pub(super) fn check_accepted(outcome: &Outcome) -> Result<(), Problem> {
    match outcome.ids.is_empty() {
        false => Ok(()),
        true => Err(none_accepted(outcome)),
    }
}

fn none_accepted(outcome: &Outcome) -> Problem {
    let first = outcome.rejected.first().map_or("", |rejection| rejection.detail.as_str());
    let detail = match outcome.rejected.len() {
        1 => first.to_owned(),
        count => format!("none was accepted; {count} were rejected, the first because: {first}"),
    };
    let Accepted { accepted, ids, rejected } = Accepted::of(outcome);
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "rejected", detail)
        .with("accepted", accepted)
        .with("ids", ids)
        .with("rejected", rejected)
}

fn refused(error: IntakeError) -> Problem {
    match error {
        IntakeError::Malformed(malformed) => {
            let problem = Problem::bad_request("malformed", malformed.to_string());
            at(problem, malformed.place)
        }
        IntakeError::Empty => {
            let problem = Problem::bad_request("empty", "the body holds no event");
            at(problem, Place::Text { line: 1, column: 1 })
        }
        error @ IntakeError::TooManyEvents { max, .. } => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-many-events", error.to_string())
                .with("limit_events", max)
        }
        error @ IntakeError::TooLarge => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", error.to_string())
                .with("limit_bytes", TRANSLATED_MAX_BYTES)
        }
        IntakeError::UnknownStream(stream) => no_stream(stream.as_str()),
        IntakeError::Log(LogError::Retry { reason, after }) => Problem::unavailable("log", reason, after),
        IntakeError::Log(LogError::Refused(reason)) => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", reason)
        }
        IntakeError::Log(LogError::Closed) => {
            Problem::unavailable("stopping", "Weir is being stopped; try again", BUSY_RETRY_AFTER)
        }
        IntakeError::Log(error @ LogError::Trimmed { .. }) => Problem::internal(&error),
    }
}

/// With the place where a body is not what it should be.
pub fn at(problem: Problem, place: Place) -> Problem {
    match place {
        Place::Text { line, column } => problem.with("line", line).with("column", column),
        Place::Byte(offset) => problem.with("byte", offset),
    }
}

fn no_stream(name: &str) -> Problem {
    Problem::not_found(format!("there is no stream {name:?}; streams are declared as [streams.NAME]"))
}
