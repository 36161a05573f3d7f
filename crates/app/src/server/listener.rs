//! Where connections come in.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::encryption::Encryption;

/// A socket that is listened on, and how connections to it are spoken.
pub struct Listener {
    socket: TcpListener,
    /// TLS, where it is spoken.
    pub(super) encryption: Option<Encryption>,
}

impl From<TcpListener> for Listener {
    fn from(socket: TcpListener) -> Self {
        Self { socket, encryption: None }
    }
}

impl Listener {
    /// TLS is spoken, and nothing else.
    pub fn encrypted(socket: TcpListener, encryption: Encryption) -> Self {
        Self { socket, encryption: Some(encryption) }
    }

    /// The next connection; `None` once it is time to stop.
    pub(super) async fn accept(&self, stop: &CancellationToken) -> Option<(TcpStream, SocketAddr)> {
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.cancelled() => return None,
                accepted = self.socket.accept() => accepted,
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
}

fn concerns_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
