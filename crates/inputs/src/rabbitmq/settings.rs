//! How a RabbitMQ input is set.

use std::fmt;
use std::time::Duration;

use weir_connect::SettingsError;
use weir_connect::rabbitmq::RabbitAddress;
use weir_connect::tls::TlsSettings;

/// What a queue is that is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueKind {
    /// On one node.
    Classic,
    /// On several.
    Quorum,
}

/// The settings; shown without their secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct RabbitInputSettings {
    /// The input's name.
    pub name: String,
    /// `amqp://USER:PASSWORD@HOST:PORT/VHOST`, as [`RabbitAddress`] reads it.
    pub url: String,
    /// The password, where it is not in `url`.
    pub password: Option<String>,
    /// The queue.
    pub queue: String,
    /// What the queue is made as where it is missing, durable; `None` where it has to be there.
    pub declare: Option<QueueKind>,
    /// So many messages are given that are not acknowledged.
    pub prefetch: u16,
    /// Whether what is no event goes back to the queue's dead-letter exchange.
    pub rejects: bool,
    /// How long an answer may take.
    pub request_timeout: Duration,
    /// Own authorities and certificates, and the name to ask for.
    pub tls: TlsSettings,
}

impl RabbitInputSettings {
    /// The default settings for this address.
    pub fn new(name: &str, url: impl Into<String>, queue: &str) -> Self {
        Self {
            name: name.to_owned(),
            url: url.into(),
            password: None,
            queue: queue.to_owned(),
            declare: None,
            prefetch: 1_000,
            rejects: false,
            request_timeout: Duration::from_secs(30),
            tls: TlsSettings::default(),
        }
    }

    /// The address.
    pub fn address(&self) -> Result<RabbitAddress, SettingsError> {
        RabbitAddress::parse(&self.url, self.password.as_deref())
    }
}

impl fmt::Debug for RabbitInputSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.address().map_or_else(|_| "invalid".to_owned(), |address| address.to_string());
        f.debug_struct("RabbitInputSettings")
            .field("name", &self.name)
            .field("url", &shown)
            .field("queue", &self.queue)
            .field("declare", &self.declare)
            .field("prefetch", &self.prefetch)
            .field("rejects", &self.rejects)
            .finish_non_exhaustive()
    }
}
