//! `GET /v1/tail`: events live, as they are accepted, one JSON object a line.

use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use http_body::Frame;
use hyper::StatusCode;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_util::sync::CancellationToken;
use weir_core::event::{Offset, Record};
use weir_core::log::{EventLog, LogError, Partition, ReadLimit};

use super::answer::{Answer, AnswerBody, of_type};
use super::entry::{Api, Call};
use super::problem::{Problem, ProblemDocument};
use super::query::Query;

/// What waits for a slow reader; beyond it the log is read later.
const BITS_MAX: usize = 4;
const READ_LIMIT: ReadLimit = ReadLimit { max_events: 500, max_bytes: 256 * 1024 };
/// An empty line this often keeps proxies from taking a quiet stream for a dead one.
const HEARTBEAT: Duration = Duration::from_secs(15);
const BUSY_RETRY_AFTER: Duration = Duration::from_secs(5);

/// An event, as it was accepted.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Line<'a> {
    /// Its id.
    id: String,
    /// Its stream.
    stream: &'a str,
    /// The client's time.
    occurred_at: String,
    /// When Weir took it in.
    received_at: String,
    /// Whose it is.
    user_id: Option<&'a str>,
    /// The client's address.
    client_ip: Option<&'a str>,
    /// The event as it came.
    #[schema(value_type = Object)]
    event: Option<&'a RawValue>,
}

/// Events as they are accepted, from now on, until the client has seen enough.
///
/// Empty lines are sent now and then to keep the connection alive.
#[utoipa::path(
    get, path = "/v1/tail", tag = "operation",
    params(("stream" = Option<String>, Query, description = "Only of this stream")),
    responses(
        (status = 200, description = "One JSON object a line", body = Line, content_type = "application/x-ndjson"),
        (status = 404, description = "No such stream", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Too many are following", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub fn get_tail(api: &Api, call: &Call<'_>) -> Answer {
    let query = Query::parse(call.head.uri.query())?.only(&["stream"])?;
    let stream = query.get("stream").map(str::to_owned);
    if let Some(name) = &stream
        && api.surroundings.intake.stream(name).is_none()
    {
        return Err(Problem::not_found(format!("there is no stream {name:?}")));
    }
    let mut response = of_type(StatusCode::OK, "application/x-ndjson", Bytes::new());
    if call.head.method == "HEAD" {
        return Ok(response);
    }
    let place = Arc::new(api.tails.clone().try_acquire_owned().map_err(|_| {
        Problem::unavailable("busy", "too many clients are following events already", BUSY_RETRY_AFTER)
    })?);
    let (lines, bits) = mpsc::channel(BITS_MAX);
    for partition in api.surroundings.log.partitions() {
        let tail = Tail {
            log: api.surroundings.log.clone(),
            from: api.surroundings.log.extent(&partition).end,
            partition,
            stream: stream.clone(),
            lines: lines.clone(),
            stop: api.surroundings.stop.clone(),
            _place: place.clone(),
        };
        tokio::spawn(tail.run());
    }
    *response.body_mut() = AnswerBody::Live { bits, under_way: None };
    Ok(response)
}

/// Follows one partition. Ends when its reader goes away, the log ends, or the program.
struct Tail {
    log: Arc<dyn EventLog>,
    partition: Partition,
    from: Offset,
    stream: Option<String>,
    lines: mpsc::Sender<Frame<Bytes>>,
    stop: CancellationToken,
    _place: Arc<OwnedSemaphorePermit>,
}

impl Tail {
    async fn run(mut self) {
        let (stop, lines) = (self.stop.clone(), self.lines.clone());
        tokio::select! {
            () = stop.cancelled() => {}
            () = lines.closed() => {}
            ended = self.follow() => if let Err(error) = ended {
                tracing::debug!(%error, "a live answer ended");
            }
        }
    }

    async fn follow(&mut self) -> Result<(), LogError> {
        loop {
            if tokio::time::timeout(HEARTBEAT, self.log.wait(&self.partition, self.from)).await.is_err() {
                if self.lines.send(Frame::data(Bytes::from_static(b"\n"))).await.is_err() {
                    return Ok(());
                }
                continue;
            }
            let slice = match self.log.read(&self.partition, self.from, READ_LIMIT).await {
                Ok(slice) => slice,
                // The reader was slower than retention; what is left is told from its oldest.
                Err(LogError::Trimmed { start }) => {
                    self.from = start;
                    continue;
                }
                Err(error) => return Err(error),
            };
            if slice.end == self.from {
                // Closed while waiting, or woken for nothing: do not spin on it.
                self.log.wait(&self.partition, self.from).await?;
                tokio::task::yield_now().await;
            }
            self.from = slice.end;
            let text = self.text(&slice.records);
            if !text.is_empty() && self.lines.send(Frame::data(text)).await.is_err() {
                return Ok(());
            }
        }
    }

    fn text(&self, records: &[Record]) -> Bytes {
        let mut text = BytesMut::new();
        let wanted =
            |record: &&Record| self.stream.as_deref().is_none_or(|name| record.stream.as_str() == name);
        for record in records.iter().filter(wanted) {
            // Writing to memory cannot fail, and every part is text, number or checked JSON.
            let _ = serde_json::to_writer((&mut text).writer(), &Line::of(record));
            text.put_u8(b'\n');
        }
        text.freeze()
    }
}

impl<'a> Line<'a> {
    fn of(record: &'a Record) -> Self {
        Self {
            id: record.event.id.to_string(),
            stream: record.stream.as_str(),
            occurred_at: record.event.occurred_at.to_string(),
            received_at: record.received_at.to_string(),
            user_id: record.user_id(),
            client_ip: record.origin.client_ip.as_deref(),
            event: serde_json::from_slice(&record.event.body).ok(),
        }
    }
}
