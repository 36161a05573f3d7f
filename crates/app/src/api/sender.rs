//! What a request's headers tell about its sender.

use hyper::HeaderMap;
use hyper::header::{HeaderName, USER_AGENT};
use weir_core::event::Origin;

use super::problem::Problem;
use crate::auth::Caller;

/// A longer header is cut, so that a browser's talkative name does not cost its events.
const HEADER_MAX_BYTES: usize = 1024;
const IDEMPOTENCY_KEY_MAX_BYTES: usize = 255;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const DEVICE_UUID: HeaderName = HeaderName::from_static("device-uuid");
const APP_VERSION: HeaderName = HeaderName::from_static("app-version");
const OS_VERSION: HeaderName = HeaderName::from_static("os-version");

/// The origin of the request's events. Headers that are not UTF-8 are kept with replacement characters.
pub fn origin(headers: &HeaderMap, caller: &Caller, client_ip: String) -> Origin {
    Origin {
        credential: caller.credential.to_string(),
        user_id: caller.user_id.as_deref().map(str::to_owned),
        device_uuid: text(headers, &DEVICE_UUID),
        app_version: text(headers, &APP_VERSION),
        os_version: text(headers, &OS_VERSION),
        user_agent: text(headers, &USER_AGENT),
        client_ip: Some(client_ip),
    }
}

/// The `Idempotency-Key`. It is part of what makes events the same, so nothing is cut off it.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(header) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    match std::str::from_utf8(header.as_bytes()) {
        Ok(key) if !key.is_empty() && key.len() <= IDEMPOTENCY_KEY_MAX_BYTES => Ok(Some(key)),
        _ => Err(Problem::bad_request(
            "bad-idempotency-key",
            format!("Idempotency-Key must be UTF-8 text of 1 to {IDEMPOTENCY_KEY_MAX_BYTES} bytes"),
        )),
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let bytes = headers.get(name)?.as_bytes();
    let text = String::from_utf8_lossy(bytes);
    let end = text.floor_char_boundary(HEADER_MAX_BYTES);
    (end > 0).then(|| text[..end].to_owned())
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn user_agent(bytes: &[u8]) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert("user-agent", HeaderValue::from_bytes(bytes).unwrap());
        text(&headers, &USER_AGENT)
    }

    #[test]
    fn a_strange_header_costs_no_event() {
        assert_eq!(user_agent(b"curl/8"), Some("curl/8".to_owned()));
        assert_eq!(user_agent(b""), None);
        assert_eq!(user_agent(b"a\xffb"), Some("a\u{FFFD}b".to_owned()));
        assert_eq!(user_agent("ä".repeat(600).as_bytes()), Some("ä".repeat(512)));
    }
}
