//! What is said to clients that get no further than their connection's opening.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const TIMEOUT: Duration = Duration::from_secs(1);

/// To a client beyond the limit of connections.
pub const TOO_MANY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\n\
    retry-after: 1\r\nconnection: close\r\ncontent-length: 146\r\n\r\n\
    {\"type\":\"urn:weir:problem:too-many-connections\",\"title\":\"Service Unavailable\",\"status\":503,\
    \"detail\":\"server.connections_max connections are open\"}";

/// To a client that speaks HTTP where TLS is spoken.
pub const ENCRYPTED_ONLY: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\n\
    connection: close\r\ncontent-length: 129\r\n\r\n\
    {\"type\":\"urn:weir:problem:encrypted-only\",\"title\":\"Bad Request\",\"status\":400,\
    \"detail\":\"this port speaks TLS alone: use https://\"}";

/// Says it, and reads what the client sends until it has read that: closing at once could destroy the answer.
pub async fn say(mut stream: TcpStream, words: &[u8]) {
    let telling = async {
        stream.write_all(words).await?;
        stream.shutdown().await?;
        let mut scrap = [0; 1024];
        while stream.read(&mut scrap).await? > 0 {}
        io::Result::Ok(())
    };
    // Whether the client heard it is its own affair.
    let _ = tokio::time::timeout(TIMEOUT, telling).await;
}
