//! What the document says of a record of telemetry. Records are checked by the core as they come; none is ever read
//! into this.

#![expect(dead_code, reason = "it is told, not used")]

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::api::json_body::Moment;

/// One record, or an array of them.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = Telemetry)]
pub enum TelemetryBodies {
    /// One.
    One(Box<TelemetryBody>),
    /// Many.
    Many(Vec<TelemetryBody>),
}

/// What became of a file or a datum. Further members are kept.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TelemetryRecord)]
pub struct TelemetryBody {
    /// `TRACE_START`, `TRACE_END`, `FILE_RECEIVE`, `FILE_STORE`, `FILE_READ`, `FILE_DELETE`, `FILE_EXPIRE`, `FILE_SEND`,
    /// `DERIVE`, `DB_WRITE`, `DROP`, `LOG`, `ALIAS`, `ATTR` or `REPLAY`.
    #[serde(rename = "type")]
    record_type: String,
    /// The trace it belongs to.
    #[schema(min_length = 1, max_length = 512)]
    trace: String,
    /// When it happened.
    created_at: Moment,
    /// The file or datum that it is about.
    #[schema(min_length = 1, max_length = 512)]
    key: Option<String>,
    /// Whose it is; else the credential's subject.
    user: Option<String>,
    /// Its place among its sender's records of this trace, from 1.
    #[schema(minimum = 1)]
    seq: Option<u64>,
    /// `file`, `data`, `db` or `process`, where the key's prefix does not tell.
    kind: Option<String>,
    /// Of a `DERIVE`: what was made into something.
    parents: Option<Vec<String>>,
    /// Of a `DERIVE`: what was made.
    children: Option<Vec<String>>,
    /// Of a `DROP`: why.
    reason: Option<String>,
    /// Of an `ALIAS`: the other name.
    alias: Option<String>,
    /// Of a `REPLAY`: what it is a new attempt at.
    of: Option<String>,
    /// What else is told.
    attrs: Option<BTreeMap<String, serde_json::Value>>,
}
