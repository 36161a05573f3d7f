//! gRPC: the same questions and events as over HTTP, in gRPC's clothes.
//!
//! **Constraints.** A call is a request like any other: it has been admitted and routed before it comes here, its body is
//! read within the same limits, and it is noted with the status that the same answer would have over HTTP. HTTP/2
//! alone has the trailers that end a call.
//!
//! The messages stand in `api/*.proto`. What is sent and read of them is written down here field by field, and tests
//! compare it with these files.

mod files;
pub(super) mod health;
mod method;
pub(super) mod reflection;
mod status;
pub(super) mod telemetry;
pub(super) mod upload;

use bytes::{BufMut, Bytes, BytesMut};
use http_body::Frame;
use hyper::header::CONTENT_TYPE;
use hyper::http::request::Parts;
use hyper::{Response, StatusCode, Version};
use prost::Message;
use tokio::sync::mpsc;

use super::answer::{AnswerBody, of_type};
use super::problem::Problem;

pub use method::Method;
pub use status::refused;

const GRPC: &str = "application/grpc";
/// A message and the end.
const FRAMES_MAX: usize = 2;

/// Whether a request is a call of gRPC's.
pub fn is_meant(head: &Parts) -> bool {
    let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let rest = content_type.and_then(|value| value.strip_prefix(GRPC));
    head.version == Version::HTTP_2
        && rest.is_some_and(|rest| matches!(rest, "" | "+proto") || rest.starts_with(';'))
}

/// Refuses anything else where there is nothing but gRPC.
pub fn check_meant(head: &Parts) -> Result<(), Problem> {
    match is_meant(head) {
        true => Ok(()),
        false => {
            let detail = "this address is for gRPC: HTTP/2 with Content-Type: application/grpc";
            Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "grpc-only", detail))
        }
    }
}

/// The one message of an answer.
fn answered(message: &impl Message) -> Response<AnswerBody> {
    let (frames, bits) = mpsc::channel(FRAMES_MAX);
    // There is a place for each, and the other end is here.
    let _ = frames.try_send(framed(message));
    let _ = frames.try_send(Frame::trailers(status::well()));
    following(bits)
}

/// An answer of several messages, as they come; trailers come last.
fn following(bits: mpsc::Receiver<Frame<Bytes>>) -> Response<AnswerBody> {
    let mut response = of_type(StatusCode::OK, GRPC, Bytes::new());
    *response.body_mut() = AnswerBody::Live { bits, under_way: None };
    response
}

/// A message with its length before it.
fn framed(message: &impl Message) -> Frame<Bytes> {
    let length = message.encoded_len();
    let mut bytes = BytesMut::with_capacity(length + 5);
    bytes.put_u8(0);
    // What is answered is far from 4 GiB.
    bytes.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    bytes.put(message.encode_to_vec().as_slice());
    Frame::data(bytes.freeze())
}

/// Reads a message, or tells that it is none.
fn read<M: Message + Default>(bytes: Bytes) -> Result<M, Problem> {
    M::decode(bytes).map_err(|error| {
        Problem::bad_request("malformed", format!("that is no message of this method: {error}"))
    })
}
