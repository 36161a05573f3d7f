//! A store that is frozen: it takes connections and never answers.

use std::net::TcpListener;

/// Frozen for as long as it is kept.
pub struct Mute(TcpListener);

impl Mute {
    pub fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }
}
