//! Connections: taking them, bounding them, ending them.
//!
//! **Constraints.** Whatever a client does or leaves undone, its connection ends: every wait has a limit in
//! [`ServerSettings`]. Nothing is allocated for a client beyond its connection's buffers before it has been
//! admitted.
//!
//! [`serve`] takes connections until told to stop, then lets requests under way be answered.

mod activity;
mod connection;
mod encryption;
mod listener;
mod patience;
mod refusal;
mod settings;
mod socket;
mod warden;
mod watched;

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body::Body;
use hyper::body::Incoming;
use hyper::{Request, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use activity::UnderWay;
pub use encryption::Encryption;
pub use listener::Listener;
pub use patience::Patience;
pub use settings::ServerSettings;

use activity::Order;
use socket::Socket;
use warden::Warden;

/// How many clients beyond the limit are told so at a time; others are cut off without a word, as are those that
/// speak TLS: to tell them would take a handshake.
const TURNED_AWAY_AT_ONCE: usize = 256;

/// Answers requests: the API, and whatever the server is measured with.
pub trait Answering: Send + Sync + 'static {
    /// What answers consist of.
    type Body: Body<Data = Bytes, Error = Infallible> + Send + 'static;

    /// Answers a request that came from `peer`; `under_way` is dropped when nothing more of it will follow.
    fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        under_way: UnderWay,
    ) -> impl Future<Output = Response<Self::Body>> + Send;

    /// Hears of a client that came no further than the handshake: there is no request of it that would be answered.
    fn handshake_failed(&self) {}
}

/// Answers connections to `listener` until `stop`, then drains: idle connections are closed, requests under
/// way are answered with `connection: close`, and what is not done after `drain_timeout` is cut off.
pub async fn serve(
    listener: impl Into<Listener>,
    answering: Arc<impl Answering>,
    settings: ServerSettings,
    stop: CancellationToken,
) {
    let listener = listener.into();
    let warden = Warden::new(settings.clone());
    let encryption = listener.encryption.clone();
    let keeping_current = async {
        match &encryption {
            Some(encryption) => encryption.keep_current().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = warden.go_rounds() => {}
        () = keeping_current => {}
        () = take_and_drain(listener, answering, settings, stop, &warden) => {}
    }
}

async fn take_and_drain(
    listener: Listener,
    answering: Arc<impl Answering>,
    settings: ServerSettings,
    stop: CancellationToken,
    warden: &Warden,
) {
    let open = Arc::new(Semaphore::new(settings.connections_max));
    let turned_away = Arc::new(Semaphore::new(TURNED_AWAY_AT_ONCE));
    let connections = TaskTracker::new();
    let protocol = connection::protocol(&settings);
    while let Some((stream, peer)) = listener.accept(&stop).await {
        // Latency matters more than the number of packets; a socket that refuses the option works all the same.
        let _ = stream.set_nodelay(true);
        let Ok(place) = open.clone().try_acquire_owned() else {
            if let (None, Ok(permit)) = (&listener.encryption, turned_away.clone().try_acquire_owned()) {
                connections.spawn(holding(permit, refusal::say(stream, refusal::TOO_MANY)));
            }
            continue;
        };
        let visit = connection::Visit { answering: answering.clone(), peer, activity: warden.admit() };
        let protocol = protocol.clone();
        match listener.encryption.clone() {
            None => {
                connections.spawn(holding(place, connection::run(Socket::Plain(stream), protocol, visit)))
            }
            Some(encryption) => connections
                .spawn(holding(place, connection::run_encrypted(stream, encryption, protocol, visit))),
        };
    }
    drop(listener);
    connections.close();
    warden.tell_all(Order::SayGoodbye);
    if tokio::time::timeout(settings.drain_timeout, connections.wait()).await.is_err() {
        tracing::warn!(
            connections = connections.len(),
            "requests were still under way after the drain's time limit"
        );
        warden.tell_all(Order::CutOff);
        connections.wait().await;
    }
}

/// Gives the place free when the work is done.
async fn holding(place: OwnedSemaphorePermit, work: impl Future<Output = ()>) {
    work.await;
    drop(place);
}

#[cfg(test)]
mod tests;
