//! A plain client of gRPC's, with messages as the committed files have them.

use bytes::{Buf, BufMut};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use protox::prost_reflect::{DescriptorPool, MessageDescriptor};
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Request, Status};
use weir_core::schema::{MessageType, Registry};

type Calls = tonic::client::Grpc<Client<HttpConnector, tonic::body::Body>>;

/// Somebody who calls.
pub struct GrpcClient {
    runtime: Runtime,
    calls: Calls,
    files: DescriptorPool,
    bearer: Option<String>,
}

/// A stream of messages that is still open.
pub struct OpenStream {
    messages: mpsc::UnboundedSender<Value>,
    answer: tokio::task::JoinHandle<Result<Value, Status>>,
}

impl GrpcClient {
    /// Calls `http://HOST:PORT`, with a key where there is one.
    pub fn new(address: &str, key: Option<&str>) -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../api");
        let mut compiler = protox::Compiler::new([folder]).unwrap();
        compiler
            .open_files([
                "weir/v1/telemetry.proto",
                "weir/v1/files.proto",
                "grpc/health/v1/health.proto",
                "grpc/reflection/v1/reflection.proto",
            ])
            .unwrap();
        let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
        Self {
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .unwrap(),
            calls: Calls::with_origin(client, address.parse().unwrap()),
            files: compiler.descriptor_pool(),
            bearer: key.map(|key| format!("Bearer {key}")),
        }
    }

    /// Sends these messages, by Protobuf's JSON, and waits for the one answer.
    pub fn call(&self, method: &str, messages: &[Value]) -> Result<Value, Status> {
        let messages = stream::iter(messages.to_vec()).boxed();
        self.runtime.block_on(self.answer(method, messages))
    }

    /// The same, with the messages one by one.
    pub fn open(&self, method: &str) -> OpenStream {
        let (messages, receiver) = mpsc::unbounded_channel();
        let coming =
            stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver))).boxed();
        OpenStream { messages, answer: self.runtime.spawn(self.answer(method, coming)) }
    }

    fn answer(
        &self,
        method: &str,
        messages: BoxStream<'static, Value>,
    ) -> impl Future<Output = Result<Value, Status>> + Send + use<> {
        let (service, name) = method.split_once('/').unwrap();
        let service = self.files.get_service_by_name(service).unwrap();
        let method_type = service.methods().find(|method| method.name() == name).unwrap();
        let registry = Registry::new(self.files.clone());
        let of = |message: MessageDescriptor| registry.message(message.full_name()).unwrap();
        let codec = Json { input: of(method_type.input()), output: of(method_type.output()) };
        let mut request = Request::new(messages);
        if let Some(bearer) = &self.bearer {
            request.metadata_mut().insert("authorization", bearer.parse().unwrap());
        }
        let (mut calls, path) = (self.calls.clone(), format!("/{method}").parse().unwrap());
        async move { calls.client_streaming(request, path, codec).await.map(tonic::Response::into_inner) }
    }
}

impl OpenStream {
    pub fn send(&self, message: Value) {
        self.messages.send(message).unwrap();
    }

    /// Goes away in the middle.
    pub fn abandon(self, client: &GrpcClient) {
        self.answer.abort();
        assert!(client.runtime.block_on(self.answer).unwrap_err().is_cancelled());
        drop(self.messages);
    }

    /// Sends no more and waits for the answer.
    pub fn finish(self, client: &GrpcClient) -> Result<Value, Status> {
        drop(self.messages);
        client.runtime.block_on(self.answer).unwrap()
    }
}

/// Messages of one method, by Protobuf's JSON.
struct Json {
    input: MessageType,
    output: MessageType,
}

impl Codec for Json {
    type Encode = Value;
    type Decode = Value;
    type Encoder = JsonOf;
    type Decoder = JsonOf;

    fn encoder(&mut self) -> JsonOf {
        JsonOf(self.input.clone())
    }

    fn decoder(&mut self) -> JsonOf {
        JsonOf(self.output.clone())
    }
}

struct JsonOf(MessageType);

impl Encoder for JsonOf {
    type Item = Value;
    type Error = Status;

    fn encode(&mut self, json: Value, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put(self.0.wire_of_json(&json.to_string()).unwrap().as_slice());
        Ok(())
    }
}

impl Decoder for JsonOf {
    type Item = Value;
    type Error = Status;

    fn decode(&mut self, bytes: &mut DecodeBuf<'_>) -> Result<Option<Value>, Status> {
        let json = self.0.json_of_wire(&bytes.copy_to_bytes(bytes.remaining())).unwrap();
        Ok(Some(serde_json::from_slice(&json).unwrap()))
    }
}
