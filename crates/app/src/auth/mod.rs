//! Who is asking: static keys and HS256 tokens.
//!
//! **Constraints.** A secret is compared in constant time and appears in no log line, error or metric. An empty key or
//! secret admits nobody. A secret is taken from the `Authorization` header only, never from the address.

mod header;
mod jwt;
mod keys;

use std::sync::Arc;

use hyper::header::HeaderValue;
use weir_core::time::Timestamp;

pub use jwt::{SECRET_ADVISED_BYTES, sign};

use crate::secret::Secret;

/// A static key and the name under which its bearer is known.
#[derive(Clone, Debug)]
pub struct NamedKey {
    /// Part of every event's origin, so a change of name makes another sender.
    pub name: String,
    /// The key.
    pub key: Secret,
}

/// Whom to admit.
#[derive(Clone, Debug, Default)]
pub struct AuthSettings {
    /// Static keys; empty ones admit nobody.
    pub keys: Vec<NamedKey>,
    /// Signs the tokens; `None` or empty: no token is good.
    pub jwt_secret: Option<Secret>,
}

/// Somebody who was admitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// `key:NAME`, `jwt:SUBJECT`, or `none`; never the secret.
    pub credential: Arc<str>,
    /// The token's subject.
    pub user_id: Option<Arc<str>>,
}

impl Caller {
    /// Somebody who needed no key.
    pub fn unnamed() -> Self {
        Self { credential: "none".into(), user_id: None }
    }
}

/// Why somebody was not admitted; said to them, so it tells nothing about the secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// There is no `Authorization` header.
    #[error("a key or token is required: send it as \"Authorization: Bearer …\"")]
    Missing,
    /// The header is there but is neither Bearer nor Basic, or is broken.
    #[error("the Authorization header must be \"Bearer …\", or \"Basic …\" with the key as password")]
    Unreadable,
    /// No key equals it and it is no good token.
    #[error("the key or token is not valid")]
    Unknown,
    /// The signature is right, but the time is over.
    #[error("the token has expired")]
    Expired,
    /// The signature is right, but the time has not come.
    #[error("the token is not valid yet")]
    NotYet,
}

/// Knows the keys and tokens that admit.
pub struct Authenticator {
    keys: keys::Keys,
    tokens: Option<jwt::Verifier>,
}

impl Authenticator {
    /// Admits whom the settings name.
    pub fn new(settings: &AuthSettings) -> Self {
        Self {
            keys: keys::Keys::new(&settings.keys),
            tokens: settings.jwt_secret.as_ref().and_then(jwt::Verifier::new),
        }
    }

    /// Who presents this `Authorization` header.
    ///
    /// Nothing is remembered between calls: two hashes and at most one HMAC cost about a microsecond, so a cache of
    /// good tokens would save nothing and would have to be emptied in time.
    pub fn authenticate(
        &self,
        authorization: Option<&HeaderValue>,
        now: Timestamp,
    ) -> Result<Caller, Denied> {
        let presented = header::presented(authorization.ok_or(Denied::Missing)?)?;
        if let Some(caller) = self.keys.find(&presented) {
            return Ok(caller);
        }
        match &self.tokens {
            Some(verifier) => verifier.verify(&presented, now),
            None => Err(Denied::Unknown),
        }
    }
}

#[cfg(test)]
mod tests;
