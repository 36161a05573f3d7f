//! The `Content-Type` header: what a body is.

use hyper::header::{ACCEPT, CONTENT_TYPE};
use hyper::{HeaderMap, StatusCode};
use weir_core::formats::BodyFormat;

use super::problem::Problem;

const TAKEN: &str =
    "application/json, application/x-ndjson, application/ndjson, application/jsonl, text/plain";

/// What the client says its body is. Without a word it is JSON; so is `text/plain`, which a browser's beacon sends.
pub fn format(headers: &HeaderMap) -> Result<BodyFormat, Problem> {
    let Some(header) = headers.get(CONTENT_TYPE) else { return Ok(BodyFormat::Any) };
    let text = header.to_str().map_err(|_| not_taken())?;
    if text == "application/json" {
        return Ok(BodyFormat::Any);
    }
    let (kind, parameters) = text.split_once(';').unwrap_or((text, ""));
    check_charset(parameters)?;
    match kind.trim().to_ascii_lowercase().as_str() {
        "" | "application/json" | "text/plain" => Ok(BodyFormat::Any),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Ok(BodyFormat::Lines),
        _ => Err(not_taken()),
    }
}

fn check_charset(parameters: &str) -> Result<(), Problem> {
    for parameter in parameters.split(';') {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let charset = value.trim().trim_matches('"');
        let is_utf8 = ["utf-8", "utf8", "us-ascii"].iter().any(|name| charset.eq_ignore_ascii_case(name));
        if name.trim().eq_ignore_ascii_case("charset") && !is_utf8 {
            let detail = "the charset must be UTF-8";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-charset", detail)
                .with_header(ACCEPT, TAKEN));
        }
    }
    Ok(())
}

fn not_taken() -> Problem {
    let detail = format!("Content-Type must be one of {TAKEN}");
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail)
        .with_header(ACCEPT, TAKEN)
}
