//! `grpc.reflection.v1.ServerReflection`: what there is to be called, and with what.

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::sync::mpsc;

use super::files::Files;
use super::{FRAMES_MAX, following, framed, read, status};
use crate::api::answer::Answer;
use crate::api::body::{BodyError, MessageLimit, Messages};
use crate::api::entry::{Api, Call};
use crate::api::problem::Problem;

/// gRPC's number for what is not there.
const NOT_FOUND: i32 = 5;

/// `grpc.reflection.v1.ServerReflectionRequest`; what stands in its `oneof` are fields like others on the wire.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Question {
    #[prost(string, tag = "1")]
    host: String,
    #[prost(string, optional, tag = "3")]
    file_by_filename: Option<String>,
    #[prost(string, optional, tag = "4")]
    file_containing_symbol: Option<String>,
    /// A message that is only given back.
    #[prost(bytes = "bytes", optional, tag = "5")]
    file_containing_extension: Option<Bytes>,
    #[prost(string, optional, tag = "6")]
    all_extension_numbers_of_type: Option<String>,
    #[prost(string, optional, tag = "7")]
    list_services: Option<String>,
}

/// `grpc.reflection.v1.ServerReflectionResponse`
#[derive(Clone, PartialEq, prost::Message)]
pub struct Reply {
    #[prost(string, tag = "1")]
    valid_host: String,
    #[prost(message, optional, tag = "2")]
    original_request: Option<Question>,
    #[prost(message, optional, tag = "4")]
    file_descriptor_response: Option<FileDescriptors>,
    #[prost(message, optional, tag = "6")]
    list_services_response: Option<Services>,
    #[prost(message, optional, tag = "7")]
    error_response: Option<Failure>,
}

/// `grpc.reflection.v1.FileDescriptorResponse`
#[derive(Clone, PartialEq, prost::Message)]
pub struct FileDescriptors {
    #[prost(bytes = "vec", repeated, tag = "1")]
    file_descriptor_proto: Vec<Vec<u8>>,
}

/// `grpc.reflection.v1.ListServiceResponse`
#[derive(Clone, PartialEq, prost::Message)]
pub struct Services {
    #[prost(message, repeated, tag = "1")]
    service: Vec<Service>,
}

/// `grpc.reflection.v1.ServiceResponse`
#[derive(Clone, PartialEq, prost::Message)]
pub struct Service {
    #[prost(string, tag = "1")]
    name: String,
}

/// `grpc.reflection.v1.ErrorResponse`
#[derive(Clone, PartialEq, prost::Message)]
pub struct Failure {
    #[prost(int32, tag = "1")]
    error_code: i32,
    #[prost(string, tag = "2")]
    error_message: String,
}

/// Answers questions as they come, for as long as there are any.
pub fn answer<B>(api: &Api, call: &Call<'_>, body: B) -> Answer
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BodyError>,
{
    let mut messages = Messages::of(&api.bodies, call.head, body, call.patience, MessageLimit::Question)?;
    let files = Files::read()?;
    let stop = api.surroundings.stop.clone();
    let (frames, bits) = mpsc::channel(FRAMES_MAX);
    tokio::spawn(async move {
        let ended = tokio::select! {
            ended = reply_to_all(&mut messages, &files, &frames) => ended,
            // Who asks again asks another instance, or this one later.
            () = stop.cancelled() => Ok(()),
        };
        let trailers = ended.map_or_else(|problem| status::ill(&problem), |()| status::well());
        // Nobody may be there any more.
        let _ = frames.send(Frame::trailers(trailers)).await;
    });
    Ok(following(bits))
}

async fn reply_to_all<B>(
    messages: &mut Messages<B>,
    files: &Files,
    frames: &mpsc::Sender<Frame<Bytes>>,
) -> Result<(), Problem>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BodyError>,
{
    while let Some(message) = messages.next().await? {
        if frames.send(framed(&reply(files, read(message.bytes)?))).await.is_err() {
            break;
        }
    }
    Ok(())
}

fn reply(files: &Files, question: Question) -> Reply {
    let mut reply = Reply { valid_host: question.host.clone(), ..Reply::default() };
    if question.list_services.is_some() {
        let service = files.services().map(|name| Service { name }).collect();
        reply.list_services_response = Some(Services { service });
    } else {
        let named = question.file_by_filename.as_deref().map(|name| files.named(name));
        let found =
            named.or_else(|| question.file_containing_symbol.as_deref().map(|symbol| files.with(symbol)));
        match found.flatten() {
            Some(file) => {
                let file_descriptor_proto = vec![file.encode_to_vec()];
                reply.file_descriptor_response = Some(FileDescriptors { file_descriptor_proto });
            }
            None => {
                let error_message = "there is no such file, symbol or extension".to_owned();
                reply.error_response = Some(Failure { error_code: NOT_FOUND, error_message });
            }
        }
    }
    reply.original_request = Some(question);
    reply
}
