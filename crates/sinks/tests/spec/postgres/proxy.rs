//! Stands before the server, and loses its answer to `COMMIT` where it is told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";

pub struct Proxy {
    pub port: u16,
    loses: Arc<AtomicBool>,
}

impl Proxy {
    pub async fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let loses = Arc::new(AtomicBool::new(false));
        let told = loses.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)).await else { continue };
                let ((from_client, to_client), (from_server, to_server)) =
                    (client.into_split(), server.into_split());
                let committing = Arc::new(Notify::new());
                tokio::spawn(up(from_client, to_server, told.clone(), committing.clone()));
                tokio::spawn(down(from_server, to_client, committing));
            }
        });
        Self { port, loses }
    }

    /// The next answer to a `COMMIT` is lost, with its connection.
    pub fn lose_next(&self) {
        self.loses.store(true, Ordering::SeqCst);
    }
}

async fn up(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    loses: Arc<AtomicBool>,
    committing: Arc<Notify>,
) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        // The driver writes it by itself, as it waits for every answer before.
        if buffer[..count].ends_with(COMMIT) && loses.swap(false, Ordering::SeqCst) {
            committing.notify_one();
            // So that the other half hears of it before the answer.
            tokio::task::yield_now().await;
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

async fn down(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, committing: Arc<Notify>) {
    let mut buffer = vec![0; 1 << 16];
    let mut is_committing = false;
    loop {
        let count = tokio::select! {
            () = committing.notified() => { is_committing = true; continue }
            read = from.read(&mut buffer) => match read { Ok(count @ 1..) => count, _ => return },
        };
        // The server has answered, so it is done; nobody is told.
        if is_committing || to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
