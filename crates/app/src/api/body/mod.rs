//! Reading a request's body: whole, within limits of size, time and memory, unpacked.
//!
//! **Constraints.** No byte is read before the client is admitted. Every byte in memory is accounted for in one
//! budget, shared by all requests; who finds it used up waits a moment and is told 503. A body that comes in one
//! large piece is not copied; any other is copied once.

mod budget;
mod coding;
mod messages;
mod unpack;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use hyper::http::request::Parts;
use hyper::{HeaderMap, StatusCode};
use tokio::sync::Semaphore;

use super::problem::Problem;
use super::settings::ApiSettings;
use crate::server::Patience;
use budget::{Budget, Share};
use unpack::UnpackError;

pub use messages::{MessageLimit, Messages};

/// Smaller packed bodies are unpacked where they are; handing them to another thread costs more.
const UNPACKED_IN_PLACE_MAX_BYTES: usize = 4 * 1024;

/// Smaller pieces are copied out of the connection's buffer: holding on to it until the event is on disk would cost a
/// new buffer for each request.
const COPIED_MAX_BYTES: usize = 4 * 1024;

/// Anything that went wrong with a connection.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// Reads bodies.
pub struct BodyReader {
    body_max_bytes: usize,
    unpacked_max_bytes: usize,
    body_timeout: Duration,
    budget: Budget,
    unpackers: Semaphore,
}

/// A body, and its share of the memory for bodies, which is given back with it.
pub struct Held {
    /// The body, unpacked.
    pub bytes: Bytes,
    share: Share,
}

impl BodyReader {
    /// A reader with these limits.
    pub fn new(settings: &ApiSettings) -> Self {
        let unpackers = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            body_max_bytes: settings.body_max_bytes,
            unpacked_max_bytes: settings.unpacked_max_bytes,
            body_timeout: settings.body_timeout,
            budget: Budget::new(settings.bodies_max_bytes, settings.answer_timeout),
            unpackers: Semaphore::new(unpackers),
        }
    }

    /// The whole body, unpacked.
    pub async fn read<B>(&self, head: &Parts, body: B, patience: Patience) -> Result<Held, Problem>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<BodyError>,
    {
        let codings = coding::codings(&head.headers, &CONTENT_ENCODING)?;
        let declared = content_length(&head.headers).unwrap_or(0);
        if declared > self.body_max_bytes {
            return Err(Problem::too_large("the body", self.body_max_bytes));
        }
        let share = self.budget.take(declared).await?;
        let collecting = self.collect(body, declared, share);
        let held = match patience.within(self.body_timeout, collecting).await {
            Ok(collected) => collected?,
            Err(_) => return Err(too_slow(self.body_timeout)),
        };
        match codings.as_slice() {
            [] => Ok(held),
            codings => self.unpack(held, codings.to_vec(), self.unpacked_max_bytes).await,
        }
    }

    async fn collect<B>(&self, mut body: B, declared: usize, mut share: Share) -> Result<Held, Problem>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<BodyError>,
    {
        let mut first = Bytes::new();
        let mut whole = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| cut_short(&error.into()))?;
            let Ok(data) = frame.into_data() else { continue };
            let size = first.len() + whole.len() + data.len();
            if size > self.body_max_bytes {
                return Err(Problem::too_large("the body", self.body_max_bytes));
            }
            self.budget.grow(&mut share, size).await?;
            match (first.is_empty(), whole.is_empty()) {
                (true, true) if data.len() <= COPIED_MAX_BYTES => first = Bytes::copy_from_slice(&data),
                (true, true) => first = data,
                (false, _) => {
                    whole.reserve(declared.max(size));
                    whole.extend_from_slice(&std::mem::take(&mut first));
                    whole.extend_from_slice(&data);
                }
                (true, false) => whole.extend_from_slice(&data),
            }
        }
        let bytes = if whole.is_empty() { first } else { whole.freeze() };
        Ok(Held { bytes, share })
    }

    async fn unpack(
        &self,
        packed: Held,
        codings: Vec<coding::Coding>,
        limit: usize,
    ) -> Result<Held, Problem> {
        let Held { bytes, share } = packed;
        let in_place = bytes.len() <= UNPACKED_IN_PLACE_MAX_BYTES;
        let budget = self.budget.clone();
        let work = move || unpack::unpack(bytes, &codings, limit, &budget, share);
        let unpacked = match in_place {
            true => work(),
            false => {
                let _place = self.unpackers.acquire().await.map_err(|error| Problem::internal(&error))?;
                tokio::task::spawn_blocking(work).await.map_err(|error| Problem::internal(&error))?
            }
        };
        unpacked.map(|(bytes, share)| Held { bytes, share }).map_err(|error| match error {
            UnpackError::TooLarge => Problem::too_large("the unpacked body", limit),
            UnpackError::Crowded => budget::crowded(),
            UnpackError::Broken { coding, cause } => Problem::bad_request(
                "broken-encoding",
                format!("the body is not valid {coding}, or ends too early: {cause}"),
            ),
        })
    }
}

/// The body's size, where the client told it.
pub fn content_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_slow(limit: Duration) -> Problem {
    let detail = format!("the body did not arrive within {} s", limit.as_secs_f64());
    Problem::new(StatusCode::REQUEST_TIMEOUT, "too-slow", detail)
}

fn cut_short(error: &BodyError) -> Problem {
    Problem::bad_request("broken-body", format!("the body could not be read: {error}"))
}
