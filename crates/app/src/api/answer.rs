//! What goes back to a client.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;
use tokio::sync::mpsc;

use super::problem::Problem;
use crate::server::UnderWay;

/// An answer, or why there is none.
pub type Answer = Result<Response<AnswerBody>, Problem>;

/// An answer's body: known at once, or coming bit by bit.
pub enum AnswerBody {
    /// All of it.
    Whole(Bytes),
    /// Bits as they come; the request is under way until they end.
    Live {
        /// The bits, and what follows them.
        bits: mpsc::Receiver<Frame<Bytes>>,
        /// Keeps the connection from being taken for an idle one.
        under_way: Option<UnderWay>,
    },
}

impl AnswerBody {
    /// How many bytes it has, where that is known.
    pub fn size(&self) -> u64 {
        match self {
            Self::Whole(bytes) => bytes.len() as u64,
            Self::Live { .. } => 0,
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Live { bits, .. } => bits.poll_recv(cx).map(|bit| bit.map(Ok)),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Live { .. } => SizeHint::default(),
        }
    }
}

/// An answer of this kind.
pub fn of_type(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::Whole(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// JSON.
pub fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    let body = serde_json::to_vec(value).map_err(|error| Problem::internal(&error))?;
    Ok(of_type(status, "application/json", body))
}

/// Done; there is nothing to say.
pub fn nothing() -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::Whole(Bytes::new()));
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}
