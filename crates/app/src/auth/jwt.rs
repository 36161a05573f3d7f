//! JSON Web Tokens, HS256 (RFC 7519, RFC 7515) and nothing else.
//!
//! Written here on `hmac` and `sha2`, because the crate for it brings RSA and elliptic curves along, of which a
//! symmetric signature needs none. The algorithm is fixed: the header's `alg` can only refuse a token, never choose
//! how it is checked.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::Sha256;
use weir_core::time::Timestamp;

use super::{Caller, Denied};
use crate::secret::Secret;

/// A shorter secret works, but should be warned about (RFC 7518, section 3.2).
pub const SECRET_ADVISED_BYTES: usize = 32;

/// How far the clocks of issuer and Weir may lie apart.
const LEEWAY_SECONDS: f64 = 30.0;
const SUBJECT_MAX_BYTES: usize = 256;

/// Checks tokens signed with one secret.
pub struct Verifier(Hmac<Sha256>);

#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    alg: &'a str,
    /// Extensions that must be understood; none is.
    #[serde(borrow)]
    crit: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Claims {
    sub: Option<String>,
    exp: Option<f64>,
    nbf: Option<f64>,
}

impl Verifier {
    /// `None` for an empty secret, with which anybody could sign.
    pub fn new(secret: &Secret) -> Option<Self> {
        if secret.is_blank() {
            return None;
        }
        Hmac::new_from_slice(secret.expose().as_bytes()).ok().map(Self)
    }

    /// Whose token this is. The claims are looked at only once the signature is known to be right.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Caller, Denied> {
        let (signed, signature) = token.rsplit_once('.').ok_or(Denied::Unknown)?;
        let (header, claims) = signed.split_once('.').ok_or(Denied::Unknown)?;
        let mut signature_bytes = [0; 64];
        let length =
            URL_SAFE_NO_PAD.decode_slice(signature, &mut signature_bytes).map_err(|_| Denied::Unknown)?;
        let mut mac = self.0.clone();
        mac.update(signed.as_bytes());
        mac.verify_slice(&signature_bytes[..length]).map_err(|_| Denied::Unknown)?;
        check_header(header)?;
        let claims = decode(claims).ok_or(Denied::Unknown)?;
        admit(serde_json::from_slice(&claims).map_err(|_| Denied::Unknown)?, now)
    }
}

/// Makes a token for `subject`, good until `expires_at`; for the command line, and for tests.
pub fn sign(
    secret: &Secret,
    subject: &str,
    not_before: Option<Timestamp>,
    expires_at: Timestamp,
) -> Option<String> {
    let Verifier(mut mac) = Verifier::new(secret)?;
    let mut claims = serde_json::json!({ "sub": subject, "exp": seconds(expires_at).floor() as i64 });
    if let Some(moment) = not_before {
        claims["nbf"] = (seconds(moment).floor() as i64).into();
    }
    let header = URL_SAFE_NO_PAD.encode(br#"{"alg":"HS256","typ":"JWT"}"#);
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    mac.update(signed.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    Some(format!("{signed}.{signature}"))
}

fn check_header(encoded: &str) -> Result<(), Denied> {
    let text = decode(encoded).ok_or(Denied::Unknown)?;
    let header: Header<'_> = serde_json::from_slice(&text).map_err(|_| Denied::Unknown)?;
    match header {
        Header { alg: "HS256", crit: None } => Ok(()),
        _ => Err(Denied::Unknown),
    }
}

fn admit(claims: Claims, now: Timestamp) -> Result<Caller, Denied> {
    let now = seconds(now);
    if claims.exp.is_some_and(|expires| now >= expires + LEEWAY_SECONDS) {
        return Err(Denied::Expired);
    }
    if claims.nbf.is_some_and(|begins| now < begins - LEEWAY_SECONDS) {
        return Err(Denied::NotYet);
    }
    match claims.sub.filter(|subject| !subject.is_empty()) {
        Some(subject) if subject.len() > SUBJECT_MAX_BYTES => Err(Denied::Unknown),
        // Without a subject it is nobody in particular: the sender is known by its credential's kind alone.
        None => Ok(Caller { credential: Arc::from("jwt:"), user_id: None }),
        Some(subject) => {
            let credential = Arc::from(format!("jwt:{subject}"));
            Ok(Caller { credential, user_id: Some(Arc::from(subject)) })
        }
    }
}

fn decode(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}

fn seconds(moment: Timestamp) -> f64 {
    moment.as_micros() as f64 / 1e6
}
