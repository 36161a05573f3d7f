//! `weir.v1.Telemetry`: records, message by message, on the very way of `POST /v1/telemetry`.

use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use weir_core::event::{Origin, Stream};
use weir_core::formats::BodyFormat;
use weir_core::intake::{Outcome, Shape, Submission};

use super::Method;
use crate::api::answer::Answer;
use crate::api::body::{BodyError, Held, MessageLimit, Messages};
use crate::api::entry::{Api, Call};
use crate::api::problem::Problem;
use crate::api::{events, sender};
use crate::server::Patience;

/// A stream may bring any number of bad records; an answer holds so many.
const REJECTIONS_MAX: usize = 1000;
const STOPPING_RETRY_AFTER: Duration = Duration::from_secs(1);

/// `weir.v1.SendResponse`
#[derive(Clone, PartialEq, prost::Message)]
pub struct SendResponse {
    #[prost(uint64, tag = "1")]
    accepted: u64,
    #[prost(uint64, tag = "2")]
    rejected: u64,
    #[prost(message, repeated, tag = "3")]
    rejections: Vec<Rejection>,
}

/// `weir.v1.Rejection`
#[derive(Clone, PartialEq, prost::Message)]
pub struct Rejection {
    #[prost(uint64, tag = "1")]
    index: u64,
    #[prost(string, tag = "2")]
    code: String,
    #[prost(string, tag = "3")]
    detail: String,
}

/// Takes in what a call brings; answers when all of it is on disk.
pub async fn send<B>(api: &Api, method: Method, call: Call<'_>, body: B) -> Answer
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BodyError>,
{
    let Call { head, caller, client_ip, patience } = call;
    let mut taking = Taking {
        api,
        stream: Stream::telemetry(),
        origin: sender::origin(&head.headers, caller, client_ip.to_string()),
        idempotency_key: sender::idempotency_key(&head.headers)?,
        patience,
        messages: 0,
        answer: SendResponse::default(),
        last: Outcome::default(),
    };
    let mut messages = Messages::of(&api.bodies, head, body, patience, MessageLimit::Body)?;
    match method {
        Method::SendStream => taking.all(&mut messages).await.map_err(|problem| taking.so_far(problem))?,
        _ => {
            let only =
                messages.next().await?.ok_or_else(|| Problem::bad_request("empty", "there is no message"))?;
            taking.take(only).await?;
        }
    }
    api.confirmed(&taking.stream, &taking.last, patience).await?;
    Ok(super::answered(&taking.answer))
}

/// A call whose records are being taken in.
struct Taking<'a> {
    api: &'a Api,
    stream: Stream,
    origin: Origin,
    idempotency_key: Option<&'a str>,
    patience: Patience,
    messages: u64,
    answer: SendResponse,
    /// What became of the last message that had anything in it.
    last: Outcome,
}

impl Taking<'_> {
    /// Message by message to the end of the stream. One that Weir's own end finds in the middle is told so.
    async fn all<B>(&mut self, messages: &mut Messages<B>) -> Result<(), Problem>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<BodyError>,
    {
        loop {
            let next = tokio::select! {
                biased;
                () = self.api.surroundings.stop.cancelled() => return Err(stopping()),
                next = messages.next() => next?,
            };
            match next {
                Some(message) => self.take(message).await?,
                None => return Ok(()),
            }
        }
    }

    async fn take(&mut self, message: Held) -> Result<(), Problem> {
        let number = self.messages;
        self.messages += 1;
        if message.bytes.is_empty() {
            return Ok(());
        }
        // Records are named by their places in a message, which are the same in every message.
        let key = self
            .idempotency_key
            .map(|key| if number == 0 { key.to_owned() } else { format!("{key}/{number}") });
        let submission = Submission {
            stream: &self.stream,
            format: BodyFormat::Records,
            shape: Shape::Event,
            body: &message.bytes,
            origin: &self.origin,
            idempotency_key: key.as_deref(),
            atomic: false,
        };
        self.last = events::accept(self.api, self.patience, submission).await?;
        self.answer.add(&self.last);
        Ok(())
    }

    /// The problem that ended a stream, with what has been taken in before it.
    fn so_far(&self, problem: Problem) -> Problem {
        let SendResponse { accepted, rejected, .. } = self.answer;
        problem.adding(&format!(
            "; of this stream, the first {} records are done with: {accepted} are on disk, {rejected} were rejected",
            accepted + rejected
        ))
    }
}

impl SendResponse {
    fn add(&mut self, outcome: &Outcome) {
        let before = self.accepted + self.rejected;
        let rejections = outcome.rejected.iter().map(|rejection| Rejection {
            index: before + rejection.index as u64,
            code: rejection.code.to_owned(),
            detail: rejection.detail.clone(),
        });
        self.rejections.extend(rejections.take(REJECTIONS_MAX.saturating_sub(self.rejections.len())));
        self.accepted += outcome.ids.len() as u64;
        self.rejected += outcome.rejected.len() as u64;
    }
}

fn stopping() -> Problem {
    Problem::unavailable("stopping", "Weir is being stopped; send the rest again", STOPPING_RETRY_AFTER)
}
