//! `POST /v1/traces`: a trace just begins.

use bytes::Bytes;
use http_body::Body;
use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_core::lineage::{RecordType, TelemetryRecord};
use weir_core::row_id;
use weir_core::time::Timestamp;

use super::Lineage;
use crate::api::answer::{Answer, json};
use crate::api::body::BodyError;
use crate::api::entry::{Api, Call};
use crate::api::issued_key::issued_key;
use crate::api::json_body::{self, Moment};
use crate::api::problem::{Problem, ProblemDocument};
use crate::api::{own_records, sender};

/// What is told of a trace as it begins.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewTrace)]
#[serde(deny_unknown_fields)]
pub struct NewTraceForm {
    /// What its senders will call it; absent: one is issued.
    key: Option<String>,
    /// Whose it is; absent: whom the credential is for.
    user: Option<String>,
    /// When it began; absent: now.
    #[serde(rename = "createdAt")]
    created_at: Option<Moment>,
}

/// A trace that can be told of from now on.
#[derive(Serialize, ToSchema)]
pub struct BegunTrace {
    /// What to call it in records.
    key: String,
    /// Its number; null while the catalog is away.
    id: Option<String>,
    /// The same number, as a UUID.
    uuid: Option<String>,
}

/// Begins a trace: logs its `TRACE_START`, and tells its key. One that has begun stays as it is.
#[utoipa::path(
    post, path = "/v1/traces", tag = "lineage",
    request_body = NewTraceForm,
    responses(
        (status = 201, description = "It begins; that is on disk", body = BegunTrace),
        (status = 200, description = "A trace of this key had begun before", body = BegunTrace),
        (status = 422, description = "A member is unknown or wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not now; see Retry-After", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn begin<B>(api: &Api, call: Call<'_>, body: B) -> Answer
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BodyError>,
{
    api.check_takes_events()?;
    let lineage = Lineage::of(api)?;
    let form: NewTraceForm = json_body::read(&api.bodies, &call, body).await?;
    if let Some(key) = &form.key
        && let Some(id) = lineage.begun(key).await
    {
        return answer(StatusCode::OK, key, Some(id));
    }
    let record = record(form, api.surroundings.clock.now())?;
    let origin = sender::origin(&call.head.headers, call.caller, call.client_ip.to_string());
    own_records::log(api, call.patience, &origin, std::slice::from_ref(&record)).await?;
    let key = record.trace.clone();
    let told = match origin.subject() {
        Some(subject) => record.sent_by(subject),
        None => record,
    };
    answer(StatusCode::CREATED, &key, lineage.told_at_once(told).await)
}

fn record(form: NewTraceForm, now: Timestamp) -> Result<TelemetryRecord, Problem> {
    let created_at = form.created_at.map_or(Ok(now), |moment| moment.read("createdAt"))?;
    let key = form.key.unwrap_or_else(|| issued_key(now));
    let user = form.user.map(Into::into);
    Ok(TelemetryRecord { user, ..TelemetryRecord::new(RecordType::TraceStart, &key, created_at) })
}

fn answer(status: StatusCode, key: &str, id: Option<i64>) -> Answer {
    let (text, uuid) = (id.map(|id| id.to_string()), id.map(|id| row_id::to_uuid(id).to_string()));
    json(status, &BegunTrace { key: key.to_owned(), id: text, uuid })
}

impl Lineage {
    /// The number of the trace of this key, where one has begun. Whether it has is no reason to refuse a beginning: a
    /// store that is away is a trace that is not known.
    async fn begun(&self, key: &str) -> Option<i64> {
        let trace = self.store.trace(key).await.ok().flatten()?;
        (*trace.key == *key && trace.facts.started_at.is_some()).then_some(trace.id)
    }

    /// Tells the store what has been logged, without waiting for the delivery, which will tell it again to no effect.
    async fn told_at_once(&self, record: TelemetryRecord) -> Option<i64> {
        let key = record.trace.clone();
        self.store.join(vec![record]).await.ok()?;
        self.begun(&key).await
    }
}
