//! The `Authorization` header: `Bearer SECRET`, or `Basic` with the secret as password and any user.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;

use super::Denied;

/// Longer than any token that is meant seriously; the header limit of the server lies above it.
const PRESENTED_MAX_BYTES: usize = 8 * 1024;

/// The key or token that the header presents.
pub fn presented(header: &HeaderValue) -> Result<Cow<'_, str>, Denied> {
    let text = header.to_str().map_err(|_| Denied::Unreadable)?;
    let (scheme, rest) = text.trim().split_once(' ').ok_or(Denied::Unreadable)?;
    let rest = rest.trim_start();
    if rest.is_empty() || rest.len() > PRESENTED_MAX_BYTES {
        return Err(Denied::Unreadable);
    }
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok(Cow::Borrowed(rest));
    }
    if scheme.eq_ignore_ascii_case("basic") {
        return password(rest).map(Cow::Owned).ok_or(Denied::Unreadable);
    }
    Err(Denied::Unreadable)
}

fn password(encoded: &str) -> Option<String> {
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (_user, password) = decoded.split_once(':')?;
    Some(password.to_owned())
}
