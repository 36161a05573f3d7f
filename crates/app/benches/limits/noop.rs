//! Weir's own server with a handler that takes the same requests as Weir and does nothing with them.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use weir_app::server::{Answering, ServerSettings, UnderWay, serve as serve_by};

/// As long as what Weir answers to one event.
const ANSWER: &[u8] = br#"{"accepted":1,"ids":["00000000-0000-0000-0000-000000000000"],"rejected":[]}"#;

struct Noop;

impl Answering for Noop {
    type Body = Full<Bytes>;

    async fn answer(&self, request: Request<Incoming>, _: SocketAddr, _: UnderWay) -> Response<Full<Bytes>> {
        drop(request.into_body().collect().await);
        Response::new(Full::from(ANSWER))
    }
}

/// Serves until it is killed; prints where as soon as it does.
pub fn serve(port: u16) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        println!("http://127.0.0.1:{port}/");
        let (noop, never) = (Arc::new(Noop), CancellationToken::new());
        serve_by(listener, noop, ServerSettings::default(), never).await;
    });
}
