//! `Content-Digest` and `Repr-Digest` (RFC 9530): what the sender says the bytes are.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::{HeaderMap, StatusCode};
use weir_core::files::ContentHash;

use crate::api::problem::Problem;

const HEADERS: [&str; 2] = ["content-digest", "repr-digest"];

/// The SHA-256 that is told, if one is. Digests of other kinds are passed over, as the RFC has it.
pub fn told(headers: &HeaderMap) -> Result<Option<ContentHash>, Problem> {
    for header in HEADERS.into_iter().flat_map(|name| headers.get_all(name)) {
        let text = header.to_str().map_err(|_| malformed())?;
        for (algorithm, value) in text.split(',').filter_map(|digest| digest.trim().split_once('=')) {
            if algorithm.trim().eq_ignore_ascii_case("sha-256") {
                return read(value).map(Some);
            }
        }
    }
    Ok(None)
}

fn read(value: &str) -> Result<ContentHash, Problem> {
    let inner =
        value.trim().strip_prefix(':').and_then(|rest| rest.strip_suffix(':')).ok_or_else(malformed)?;
    let bytes = STANDARD.decode(inner).map_err(|_| malformed())?;
    bytes.try_into().map(ContentHash).map_err(|_| malformed())
}

/// As it is told of what goes out.
pub fn written(hash: ContentHash) -> String {
    format!("sha-256=:{}:", STANDARD.encode(hash.0))
}

/// Whether what came is what was told.
pub fn check(told: Option<ContentHash>, found: ContentHash) -> Result<(), Problem> {
    match told {
        Some(told) if told != found => {
            let detail =
                format!("the digest is of other bytes: {told} was told, and {found} came; nothing is stored");
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "wrong-digest", detail)
                .with("sha256", found.to_string()))
        }
        _ => Ok(()),
    }
}

fn malformed() -> Problem {
    Problem::bad_request("bad-digest", "a digest is written as sha-256=:BASE64:, with 32 bytes in it")
}
