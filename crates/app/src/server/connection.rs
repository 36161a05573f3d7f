//! One connection from its opening to its end.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use http_body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Version};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;

use super::activity::{Activity, Order};
use super::encryption::Encryption;
use super::socket::Socket;
use super::watched::Watched;
use super::{Answering, ServerSettings};

/// What a client may send on a connection before anybody has read it.
const HTTP2_WINDOW_BYTES: u32 = 256 * 1024;
const HTTP2_SEND_BUFFER_MAX_BYTES: usize = 64 * 1024;

/// HTTP/1.1, and HTTP/2 for whoever begins with its preface.
pub type Protocol = auto::Builder<TokioExecutor>;

/// Who came in.
pub struct Visit<A> {
    /// Answers.
    pub answering: Arc<A>,
    /// The other end of the socket.
    pub peer: SocketAddr,
    /// What it does, and what it is told to do.
    pub activity: Arc<Activity>,
}

/// How HTTP is spoken. The times are kept by the warden, for both versions, and also before it is known which.
pub fn protocol(settings: &ServerSettings) -> Protocol {
    let mut protocol = Protocol::new(TokioExecutor::new());
    protocol
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_headers(settings.headers_max)
        // Of an answer too: without `pipeline_flush`, with which hyper takes in whatever there is of one.
        .max_buf_size(settings.head_max_bytes.max(8 * 1024));
    protocol
        .http2()
        .timer(TokioTimer::new())
        .initial_connection_window_size(HTTP2_WINDOW_BYTES)
        .initial_stream_window_size(HTTP2_WINDOW_BYTES)
        .max_concurrent_streams(settings.http2_streams_max)
        .max_header_list_size(u32::try_from(settings.head_max_bytes).unwrap_or(u32::MAX))
        .max_send_buf_size(HTTP2_SEND_BUFFER_MAX_BYTES);
    protocol
}

/// Serves the connection, once its client has shaken hands, until it ends or is told to end.
pub async fn run_encrypted<A: Answering>(
    stream: TcpStream,
    encryption: Encryption,
    protocol: Protocol,
    visit: Visit<A>,
) {
    if let Some(socket) = shake_hands(stream, &encryption, &visit).await {
        run(socket, protocol, visit).await;
    }
}

async fn shake_hands<A: Answering>(
    stream: TcpStream,
    encryption: &Encryption,
    visit: &Visit<A>,
) -> Option<Socket> {
    let Visit { answering, peer, activity } = visit;
    activity.handshake_begins();
    let mut greeting = pin!(encryption.greet(stream));
    let greeted = poll_fn(|cx| match activity.poll_order(cx) {
        Order::GoOn => greeting.as_mut().poll(cx).map(Some),
        // There is no request yet that would have to be answered.
        Order::SayGoodbye | Order::CutOff => Poll::Ready(None),
    });
    match greeted.await {
        Some(Ok(socket)) => {
            activity.handshake_ends();
            return socket;
        }
        Some(Err(error)) => {
            tracing::debug!(%peer, %error, "a client has not come as far as its first request");
        }
        None => tracing::debug!(%peer, "a client has taken too long to shake hands, or the server ends"),
    }
    answering.handshake_failed();
    None
}

/// Serves the connection until it ends, or is told to end.
pub async fn run<A: Answering>(socket: Socket, protocol: Protocol, visit: Visit<A>) {
    let Visit { answering, peer, activity } = visit;
    let watched = Watched::new(socket, activity.clone());
    let service = service_fn({
        let activity = activity.clone();
        move |request: Request<Incoming>| {
            let under_way = activity.request_begins(request.version() == Version::HTTP_2);
            let (answering, activity) = (answering.clone(), activity.clone());
            async move {
                let has_body = !request.body().is_end_stream();
                let response = answering.answer(request, peer, under_way).await;
                if has_body && response.status().is_client_error() {
                    activity.leaves_some_unread();
                }
                Ok::<_, Infallible>(response)
            }
        }
    });
    let mut connection = pin!(protocol.serve_connection(watched, service));
    let mut leaving = false;
    poll_fn(|cx| {
        match activity.poll_order(cx) {
            Order::CutOff => return Poll::Ready(()),
            Order::SayGoodbye if !leaving => {
                leaving = true;
                connection.as_mut().graceful_shutdown();
            }
            Order::SayGoodbye | Order::GoOn => {}
        }
        // However it ends, there is nobody left to tell; what a client does wrong has been answered by hyper.
        connection.as_mut().poll(cx).map(|_ended| ())
    })
    .await;
}
