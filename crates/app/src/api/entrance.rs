//! The API as the server sees it: behind one of its doors.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::{Request, Response};

use super::answer::AnswerBody;
use super::entry::Api;
use crate::server::{Answering, UnderWay};

/// The listener that a request came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// The main one.
    Main,
    /// The one of `/store`, where it has a port of its own.
    Store,
    /// The one of gRPC, where it has a port of its own.
    Grpc,
    /// The one for those who run Weir: probes and metrics, without a key.
    Admin,
}

/// The API behind a door.
pub struct Entrance {
    /// Answers.
    pub api: Arc<Api>,
    /// What it is behind.
    pub door: Door,
}

impl Answering for Entrance {
    type Body = AnswerBody;

    async fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        under_way: UnderWay,
    ) -> Response<AnswerBody> {
        self.api.answer(request, peer, self.door, Some(under_way)).await
    }

    fn handshake_failed(&self) {
        self.api.surroundings.metrics.handshake_failed();
    }
}
