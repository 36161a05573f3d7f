//! Records of telemetry that Weir itself makes, by the very way of those that clients send.
//!
//! **Constraint.** They are the same whenever they are made again, so that a client that asks again changes nothing more.

use bytes::Bytes;
use weir_core::event::{Origin, Stream};
use weir_core::formats::BodyFormat;
use weir_core::intake::{Shape, Submission};
use weir_core::lineage::TelemetryRecord;

use super::entry::Api;
use super::events;
use super::problem::Problem;
use crate::server::Patience;

/// Has them on disk, as if the caller had sent them; confirmed as the settings want it.
pub async fn log(
    api: &Api,
    patience: Patience,
    origin: &Origin,
    records: &[TelemetryRecord],
) -> Result<(), Problem> {
    let (stream, body) = (Stream::telemetry(), lines(records));
    let outcome = events::accept(api, patience, submission(&stream, &body, origin)).await?;
    events::check_accepted(&outcome)?;
    api.confirmed(&stream, &outcome, patience).await
}

/// A body of these.
pub fn lines(records: &[TelemetryRecord]) -> Bytes {
    records.iter().map(TelemetryRecord::to_json).collect::<Vec<_>>().join("\n").into()
}

/// All of a body of ours, or nothing.
pub fn submission<'a>(stream: &'a Stream, body: &'a Bytes, origin: &'a Origin) -> Submission<'a> {
    let (format, shape) = (BodyFormat::Lines, Shape::Event);
    Submission { stream, format, shape, body, origin, idempotency_key: None, atomic: true }
}
