//! gRPC as it is on the wire, with messages as the committed files have them.

mod probes;
mod telemetry;
mod upload;

use bytes::{BufMut, Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response, Version};
use serde_json::Value;
use weir_core::schema::{MessageType, Registry};

use super::here::{Here, KEY, peer};
use crate::api::{AnswerBody, Door};

const SEND: &str = "/weir.v1.Telemetry/Send";
const SEND_STREAM: &str = "/weir.v1.Telemetry/SendStream";

/// How a call ended.
#[derive(Debug)]
struct Ended {
    messages: Vec<Bytes>,
    /// The trailers, and the headers where there was nothing else.
    trailers: HeaderMap,
}

impl Ended {
    async fn of(response: Response<AnswerBody>) -> Self {
        let (head, body) = response.into_parts();
        assert_eq!(
            (head.status.as_u16(), &head.headers["content-type"]),
            (200, &"application/grpc".parse().unwrap())
        );
        assert!(head.headers.contains_key("x-request-id"));
        let body = body.collect().await.unwrap();
        let mut trailers = head.headers;
        trailers.extend(body.trailers().cloned().unwrap_or_default());
        Self { messages: messages(body.to_bytes()), trailers }
    }

    fn header(&self, name: &str) -> &str {
        self.trailers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn status(&self) -> &str {
        self.header("grpc-status")
    }

    fn message(&self) -> &str {
        self.header("grpc-message")
    }
}

/// Takes the lengths off.
fn messages(mut bytes: Bytes) -> Vec<Bytes> {
    let mut messages = Vec::new();
    while !bytes.is_empty() {
        let head = bytes.split_to(5);
        assert_eq!(head[0], 0, "nothing is packed");
        messages.push(bytes.split_to(u32::from_be_bytes(head[1..].try_into().unwrap()) as usize));
    }
    messages
}

/// A message as it stands in a body.
fn framed(is_packed: bool, message: &[u8]) -> Vec<u8> {
    let mut body = BytesMut::new();
    body.put_u8(is_packed.into());
    body.put_u32(u32::try_from(message.len()).unwrap());
    body.put(message);
    body.to_vec()
}

/// A message type of the committed files.
fn message_type(name: &str) -> MessageType {
    let files = [
        "weir/v1/telemetry.proto",
        "weir/v1/files.proto",
        "grpc/health/v1/health.proto",
        "grpc/reflection/v1/reflection.proto",
    ];
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../api");
    let mut compiler = protox::Compiler::new([folder]).unwrap();
    compiler.open_files(files).unwrap();
    Registry::new(compiler.descriptor_pool()).message(name).unwrap()
}

/// A message of this type, by Protobuf's JSON.
fn encoded(name: &str, json: &Value) -> Vec<u8> {
    message_type(name).wire_of_json(&json.to_string()).unwrap()
}

fn decoded(name: &str, message: &Bytes) -> Value {
    serde_json::from_slice(&message_type(name).json_of_wire(message).unwrap()).unwrap()
}

fn request(records: &Value) -> Vec<u8> {
    framed(false, &encoded("weir.v1.SendRequest", &serde_json::json!({ "records": records })))
}

fn call_of<B>(path: &str, headers: &[(&str, &str)], body: B) -> Request<B> {
    let mut request = Request::post(path).version(Version::HTTP_2).body(body).unwrap();
    request.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    for (name, value) in headers {
        request
            .headers_mut()
            .insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    }
    request
}

impl Here {
    /// Calls with the key.
    async fn grpc(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Ended {
        let bearer = format!("Bearer {KEY}");
        self.grpc_as_told(path, &[&[("authorization", bearer.as_str())], headers].concat(), body).await
    }

    /// Calls with these headers only.
    async fn grpc_as_told(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Ended {
        let request = call_of(path, headers, Full::new(body.into()));
        Ended::of(self.api.answer(request, peer(), Door::Main, None).await).await
    }
}
