//! The limits and choices of the API.

use std::time::Duration;

use ipnet::IpNet;

use super::confirmation::Confirmation;
use super::open_store::OpenStore;

/// What the API takes, and for whom it is open.
#[derive(Clone, Debug)]
pub struct ApiSettings {
    /// A request's body, as sent.
    pub body_max_bytes: usize,
    /// A request's body, unpacked.
    pub unpacked_max_bytes: usize,
    /// All bodies in memory at once, packed and unpacked.
    pub bodies_max_bytes: usize,
    /// How long a body may take to arrive; after it 408.
    pub body_timeout: Duration,
    /// How long a request may wait for memory, and how long for the log; after either 503.
    pub answer_timeout: Duration,
    /// How long any other question may take; after it 503.
    pub question_timeout: Duration,
    /// Connections that follow events live.
    pub tails_max: usize,
    /// Whose `X-Forwarded-For` and `Forwarded` are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Pages of these origins may call from a browser; `*` for all. Empty: none.
    pub cors_origins: Vec<String>,
    /// Who may send to `/store` without a key.
    pub open_store: OpenStore,
    /// `/metrics` without a key on the main port, too.
    pub metrics_open: bool,
    /// The sink that answers wait for; `None`: they wait for the log alone.
    pub confirmation: Option<Confirmation>,
    /// This instance's name.
    pub instance_id: String,
    /// What this process does; `all`, or some of the parts.
    pub roles: Vec<&'static str>,
    /// Whether that is taking events in, among others.
    pub takes_events: bool,
}

impl Default for ApiSettings {
    fn default() -> Self {
        Self {
            body_max_bytes: 16 * 1024 * 1024,
            unpacked_max_bytes: 32 * 1024 * 1024,
            bodies_max_bytes: 64 * 1024 * 1024,
            body_timeout: Duration::from_secs(30),
            answer_timeout: Duration::from_millis(900),
            question_timeout: Duration::from_secs(10),
            tails_max: 32,
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            open_store: OpenStore::ToNobody,
            metrics_open: false,
            confirmation: None,
            instance_id: "weir".to_owned(),
            roles: vec!["all"],
            takes_events: true,
        }
    }
}
