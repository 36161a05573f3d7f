//! What a client of librdkafka's says beside its answers: its log, and what troubles it.

#[cfg(feature = "tls")]
use std::error::Error;
use std::sync::{Mutex, PoisonError};

use rdkafka::ClientContext;
#[cfg(feature = "tls")]
use rdkafka::client::OAuthToken;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

#[cfg(feature = "tls")]
use crate::token::Tokens;

/// What a client said last of what keeps it from its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The kind.
    pub code: RDKafkaErrorCode,
    /// librdkafka's words; they name the broker.
    pub words: String,
}

/// Listens to one client. Its log goes where Weir's goes, with the name of whose it is.
pub struct Events {
    owner: String,
    #[cfg(feature = "tls")]
    tokens: Option<Tokens>,
    trouble: Mutex<Option<Trouble>>,
}

impl Events {
    /// For a client of the sink or input of this name.
    pub fn of(owner: impl Into<String>) -> Self {
        Self {
            owner: owner.into(),
            #[cfg(feature = "tls")]
            tokens: None,
            trouble: Mutex::new(None),
        }
    }

    /// The same, with somebody who gets tokens.
    #[cfg(feature = "tls")]
    pub(crate) fn with(self, tokens: Option<Tokens>) -> Self {
        Self { tokens, ..self }
    }

    /// Whether the client has to be polled for its first token before it can do anything.
    pub fn needs_token(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.tokens.is_some();
        #[cfg(not(feature = "tls"))]
        false
    }

    /// What troubled it last, since this was asked before. A request that only timed out does not know why.
    pub fn take_trouble(&self) -> Option<Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ClientContext for Events {
    // Else the wish for one would go unheard.
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = cfg!(feature = "tls");

    #[cfg(feature = "tls")]
    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        let tokens = self.tokens.as_ref().ok_or("no token was asked for")?;
        Ok(tokens.get()?)
    }

    /// librdkafka's levels are a server's; a broker that is away is no error of this program.
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        let client = self.owner.as_str();
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
                tracing::error!(client, facility, "librdkafka: {line}");
            }
            RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning => {
                tracing::warn!(client, facility, "librdkafka: {line}");
            }
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
                tracing::info!(client, facility, "librdkafka: {line}");
            }
            RDKafkaLogLevel::Debug => tracing::debug!(client, facility, "librdkafka: {line}"),
        }
    }

    /// That all brokers are down follows from what was said of each, and would hide why.
    fn error(&self, error: KafkaError, reason: &str) {
        let Some(code) = error.rdkafka_error_code() else { return };
        tracing::debug!(client = self.owner, %code, "librdkafka: {reason}");
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if code != RDKafkaErrorCode::AllBrokersDown || trouble.is_none() {
            *trouble = Some(Trouble { code, words: reason.to_owned() });
        }
    }

    fn stats_raw(&self, statistics: &[u8]) {
        tracing::debug!(client = self.owner, "librdkafka: {}", String::from_utf8_lossy(statistics));
    }
}

impl ConsumerContext for Events {}
