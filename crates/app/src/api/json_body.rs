//! A small JSON object as a request's body, for everything but events.

use bytes::Bytes;
use http_body::Body;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use utoipa::ToSchema;
use weir_core::time::Timestamp;

use super::body::{BodyError, BodyReader};
use super::content_type;
use super::entry::Call;
use super::problem::Problem;
use super::query::{MOMENT_EXPECTED, moment};

/// A moment as clients may write it: RFC 3339, or a number of seconds, ms or µs.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Moment {
    /// RFC 3339.
    Text(String),
    /// A number.
    Number(f64),
}

impl Moment {
    /// What it stands for; `name` is the member it came in.
    pub fn read(self, name: &str) -> Result<Timestamp, Problem> {
        let read = match &self {
            Self::Text(text) => moment(text),
            Self::Number(number) => Timestamp::from_number(*number),
        };
        read.ok_or_else(|| Problem::invalid(format!("{name} {MOMENT_EXPECTED}")))
    }
}

/// Reads the body as a `T`; 400 where it is no JSON, 422 where it is another object.
pub(super) async fn read<T: DeserializeOwned, B>(
    bodies: &BodyReader,
    call: &Call<'_>,
    body: B,
) -> Result<T, Problem>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BodyError>,
{
    content_type::check_json(&call.head.headers)?;
    let held = bodies.read(call.head, body, call.patience).await?;
    serde_json::from_slice(&held.bytes).map_err(|error| match error.classify() {
        Category::Data => Problem::invalid(error.to_string()),
        _ => Problem::bad_request("malformed", format!("the body must be a JSON object: {error}"))
            .with("line", error.line())
            .with("column", error.column()),
    })
}
