//! The limits of a listener.

use std::time::Duration;

/// What a client may take of the server, in number and in time.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Open connections; a further one is told 503 and closed.
    pub connections_max: usize,
    /// From a request's first byte to the end of its head.
    pub head_timeout: Duration,
    /// Between a connection's opening, or its last answer, and its next request.
    pub idle_timeout: Duration,
    /// How long a client may leave an answer unread.
    pub write_timeout: Duration,
    /// How long requests under way may take once the server is told to stop.
    pub drain_timeout: Duration,
    /// The bytes of a request's head.
    pub head_max_bytes: usize,
    /// The number of a request's headers.
    pub headers_max: usize,
    /// Requests under way at once on one HTTP/2 connection.
    pub http2_streams_max: u32,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            connections_max: 8192,
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(20),
            head_max_bytes: 64 * 1024,
            headers_max: 64,
            http2_streams_max: 128,
        }
    }
}
