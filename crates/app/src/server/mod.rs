//! Connections: taking them, bounding them, ending them.
//!
//! **Constraints.** Whatever a client does or leaves undone, its connection ends: every wait has a limit in
//! [`ServerSettings`]. Nothing is allocated for a client beyond its connection's buffers before it has been
//! admitted.
//!
//! [`serve`] takes connections until told to stop, then lets requests under way be answered.

mod activity;
mod connection;
mod patience;
mod settings;
mod warden;
mod watched;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use hyper::body::Incoming;
use hyper::{Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use activity::UnderWay;
pub use patience::Patience;
pub use settings::ServerSettings;

use activity::Order;
use warden::Warden;

/// How many clients beyond the limit are told so at a time; others are cut off without a word.
const TURNED_AWAY_AT_ONCE: usize = 256;
const TURNING_AWAY_TIMEOUT: Duration = Duration::from_secs(1);
const TURNED_AWAY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\n\
    retry-after: 1\r\nconnection: close\r\ncontent-length: 146\r\n\r\n\
    {\"type\":\"urn:weir:problem:too-many-connections\",\"title\":\"Service Unavailable\",\"status\":503,\
    \"detail\":\"server.connections_max connections are open\"}";

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
}

/// Answers connections to `listener` until `stop`, then drains: idle connections are closed, requests under
/// way are answered with `connection: close`, and what is not done after `drain_timeout` is cut off.
pub async fn serve(
    listener: TcpListener,
    answering: Arc<impl Answering>,
    settings: ServerSettings,
    stop: CancellationToken,
) {
    let warden = Warden::new(settings.clone());
    tokio::select! {
        () = warden.go_rounds() => {}
        () = take_and_drain(listener, answering, settings, stop, &warden) => {}
    }
}

async fn take_and_drain(
    listener: TcpListener,
    answering: Arc<impl Answering>,
    settings: ServerSettings,
    stop: CancellationToken,
    warden: &Warden,
) {
    let open = Arc::new(Semaphore::new(settings.connections_max));
    let turned_away = Arc::new(Semaphore::new(TURNED_AWAY_AT_ONCE));
    let connections = TaskTracker::new();
    let protocol = connection::protocol(&settings);
    while let Some((stream, peer)) = accept(&listener, &stop).await {
        // Latency matters more than the number of packets; a socket that refuses the option works all the same.
        let _ = stream.set_nodelay(true);
        let Ok(place) = open.clone().try_acquire_owned() else {
            if let Ok(permit) = turned_away.clone().try_acquire_owned() {
                connections.spawn(async move {
                    turn_away(stream).await;
                    drop(permit);
                });
            }
            continue;
        };
        let visit = connection::Visit { answering: answering.clone(), peer, activity: warden.admit() };
        let work = connection::run(stream, protocol.clone(), visit);
        connections.spawn(async move {
            work.await;
            drop(place);
        });
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

/// The next connection; `None` once it is time to stop.
async fn accept(listener: &TcpListener, stop: &CancellationToken) -> Option<(TcpStream, SocketAddr)> {
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return None,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(connection) => return Some(connection),
            Err(error) if concerns_one_client(&error) => {}
            Err(error) => {
                // Out of file descriptors or memory: waiting lets others finish; a tight loop would not.
                tracing::error!(%error, "cannot take connections; trying again in 100 ms");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

fn concerns_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Says 503, and reads what the client sends until it has read that: closing at once could destroy the answer.
async fn turn_away(mut stream: TcpStream) {
    let telling = async {
        stream.write_all(TURNED_AWAY).await?;
        stream.shutdown().await?;
        let mut scrap = [0; 1024];
        while stream.read(&mut scrap).await? > 0 {}
        io::Result::Ok(())
    };
    // Whether the client heard it is its own affair.
    let _ = tokio::time::timeout(TURNING_AWAY_TIMEOUT, telling).await;
}

#[cfg(test)]
mod tests;
