//! `POST /store`: one event, checked by its type.

use bytes::Bytes;
use http_body::Body;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_core::formats::BodyFormat;
use weir_core::intake::{Outcome, Shape, Submission};
use weir_core::observe::Observer;
use weir_core::schema::envelope::{self, EnvelopeError};
use weir_core::schema::{MemberFault, STORE};

use super::answer::{Answer, nothing};
use super::body::BodyError;
use super::entry::{Api, Call};
use super::problem::{Problem, ProblemDocument};
use super::{content_type, events, sender};

/// An event as `/store` takes it. It is told, not used: the event's type decides what is in it.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = StoreEvent)]
pub struct StoreBody {
    /// An event type of the registry.
    event_name: String,
    /// When and by what it was sent.
    context: StoreContext,
    /// The fields of the type.
    data: serde_json::Value,
}

/// What every event says of its own way here.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct StoreContext {
    /// Unix seconds, neither in the future nor before 1970.
    sent_at: i64,
    /// Likewise.
    received_at: i64,
    /// Likewise.
    processed_at: i64,
    /// A UUID: the same again is the same event.
    message_id: String,
    /// Not empty.
    #[schema(min_length = 1)]
    user_agent: String,
}

/// Takes in one event of a type that the registry has. Answers when it is on disk.
///
/// Needs no key from this machine where no other is let in; see `store.token`.
#[utoipa::path(
    post, path = "/store", tag = "events",
    security((), ("bearer" = []), ("basic" = [])),
    request_body = StoreBody,
    responses(
        (status = 204, description = "It is on disk"),
        (status = 400, description = "There is no such event type, or its context breaks a rule; `errors` has the path of each", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "No key or token, or a wrong one"),
        (status = 408, description = "The body came too slowly", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "Larger than the limit", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "A type that is not JSON", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "Another shape than the event's type has; `errors` has the path of each fault", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not now, see Retry-After; with `ids`: on disk, but not confirmed in time by the sink that `acknowledge` names", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn post_store<B>(api: &Api, call: Call<'_>, body: B) -> Answer
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BodyError>,
{
    let Call { head, caller, client_ip, patience } = call;
    content_type::require_json(&head.headers)?;
    let held = api.bodies.read(head, body, patience).await?;
    let surroundings = &api.surroundings;
    let text = std::str::from_utf8(&held.bytes).map_err(|_| wrong_shape("the body is not UTF-8"))?;
    let now = surroundings.clock.now();
    let stream = surroundings.intake.stream(STORE);
    let stream = stream.ok_or_else(|| Problem::internal(&"the stream store is not there"))?;
    let event = envelope::read(text, &surroundings.schemas.get(), now).map_err(|error| {
        surroundings.metrics.rejected(stream, error.code(), 1);
        refused(error)
    })?;
    let submission = Submission {
        stream,
        format: BodyFormat::Lines,
        shape: Shape::Event,
        body: &event,
        origin: &sender::origin(&head.headers, caller, client_ip.to_string()),
        idempotency_key: None,
        atomic: true,
    };
    let outcome = events::accept(api, patience, submission).await?;
    drop(held);
    api.confirmed(stream, &outcome, patience).await?;
    answer(&outcome)
}

fn answer(outcome: &Outcome) -> Answer {
    match outcome.rejected.first() {
        None => Ok(nothing()),
        Some(rejection) => Err(wrong_shape(&rejection.detail)),
    }
}

fn refused(error: EnvelopeError) -> Problem {
    match error {
        EnvelopeError::Malformed(malformed) => {
            events::at(wrong_shape(&malformed.to_string()), malformed.place)
        }
        EnvelopeError::Name(error) => {
            let fault = MemberFault { path: "/event_name".to_owned(), detail: error.to_string() };
            Problem::bad_request("unknown-event", format!("event_name {error}")).with("errors", [fault])
        }
        EnvelopeError::Rules(faults) => {
            Problem::bad_request("bad-context", summary(&faults)).with("errors", faults)
        }
        EnvelopeError::Shape(faults) => wrong_shape(&summary(&faults)).with("errors", faults),
    }
}

fn wrong_shape(detail: &str) -> Problem {
    Problem::invalid(detail)
}

/// The first fault in full, and how many follow.
fn summary(faults: &[MemberFault]) -> String {
    let Some(first) = faults.first() else { return String::new() };
    let told = match first.path.as_str() {
        "" => format!("the body {}", first.detail),
        path => format!("{path} {}", first.detail),
    };
    match faults.len() {
        1 => told,
        count => format!("{told}; {} more are in errors", count - 1),
    }
}
