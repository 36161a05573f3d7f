//! The messages of a gRPC call, one after the other out of its body.
//!
//! **Constraints.** As for every body: bounded in size, time and memory. A message's length is believed only as far as
//! there is memory for it, and a message gives its share back before the next one is read.

use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::http::request::Parts;

use super::coding::{Coding, GRPC_ENCODING, codings};
use super::{BodyError, BodyReader, Held, cut_short, too_slow};
use crate::api::problem::Problem;
use crate::server::Patience;

/// Before each message: whether it is packed, and its length in four bytes.
const HEAD_BYTES: usize = 5;
/// Questions are a few names.
const QUESTION_MAX_BYTES: usize = 16 * 1024;

/// How large a message may be.
#[derive(Clone, Copy, Debug)]
pub enum MessageLimit {
    /// As a body.
    Body,
    /// Much less.
    Question,
}

/// Reads a call's messages.
pub struct Messages<B> {
    reader: Arc<BodyReader>,
    body: B,
    codings: Vec<Coding>,
    patience: Patience,
    limit: MessageLimit,
    /// What has come of the next message, and perhaps of more.
    pending: BytesMut,
}

impl<B> Messages<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BodyError>,
{
    /// The messages of this body.
    pub fn of(
        reader: &Arc<BodyReader>,
        head: &Parts,
        body: B,
        patience: Patience,
        limit: MessageLimit,
    ) -> Result<Self, Problem> {
        let codings = codings(&head.headers, &GRPC_ENCODING)?;
        Ok(Self { reader: reader.clone(), body, codings, patience, limit, pending: BytesMut::new() })
    }

    /// The next message, unpacked; `None` after the last one.
    pub async fn next(&mut self) -> Result<Option<Held>, Problem> {
        let (patience, timeout) = (self.patience, self.reader.body_timeout);
        let collected = patience.within(timeout, self.collect()).await;
        let Some((is_packed, held)) = collected.map_err(|_| too_slow(timeout))?? else { return Ok(None) };
        let unpacked_max_bytes = match self.limit {
            MessageLimit::Body => self.reader.unpacked_max_bytes,
            MessageLimit::Question => QUESTION_MAX_BYTES,
        };
        match (is_packed, self.codings.is_empty()) {
            (false, _) => Ok(Some(held)),
            (true, false) => {
                let unpacked = self.reader.unpack(held, self.codings.clone(), unpacked_max_bytes).await;
                unpacked.map(Some).map_err(|problem| match (problem.status(), self.limit) {
                    (StatusCode::PAYLOAD_TOO_LARGE, MessageLimit::Body) => {
                        problem.adding(" (server.unpacked_max_bytes)")
                    }
                    _ => problem,
                })
            }
            (true, true) => Err(broken("a message is said to be packed, and no grpc-encoding tells how")),
        }
    }

    async fn collect(&mut self) -> Result<Option<(bool, Held)>, Problem> {
        if !self.has(HEAD_BYTES).await? {
            return match self.pending.is_empty() {
                true => Ok(None),
                false => Err(broken("the body ends within a message")),
            };
        }
        let is_packed = match self.pending.get_u8() {
            0 => false,
            1 => true,
            _ => return Err(broken("a message begins with neither 0 nor 1")),
        };
        // Four bytes, which are no more than a length has.
        let length = self.pending.get_u32() as usize;
        self.check(length)?;
        let share = self.reader.budget.take(length).await?;
        if !self.has(length).await? {
            return Err(broken("the body ends within a message"));
        }
        Ok(Some((is_packed, Held { bytes: self.pending.split_to(length).freeze(), share })))
    }

    fn check(&self, length: usize) -> Result<(), Problem> {
        let (max, what) = match self.limit {
            MessageLimit::Body => (self.reader.body_max_bytes, "server.body_max_bytes lets in"),
            MessageLimit::Question => (QUESTION_MAX_BYTES, "a question may have"),
        };
        match length > max {
            true => {
                let detail = format!("the message has {length} bytes; {what} {max}. Send less at a time");
                Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail))
            }
            false => Ok(()),
        }
    }

    /// Waits for so many bytes; `false` where the body ends before.
    async fn has(&mut self, bytes: usize) -> Result<bool, Problem> {
        while self.pending.len() < bytes {
            let Some(frame) = self.body.frame().await else { return Ok(false) };
            let frame = frame.map_err(|error| cut_short(&error.into()))?;
            if let Ok(data) = frame.into_data() {
                self.pending.extend_from_slice(&data);
            }
        }
        Ok(true)
    }
}

fn broken(detail: &str) -> Problem {
    Problem::bad_request("broken-body", detail)
}
