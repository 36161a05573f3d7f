//! The `Content-Type` header: what a body is.

use hyper::header::{ACCEPT, CONTENT_TYPE};
use hyper::{HeaderMap, StatusCode};
use weir_core::formats::BodyFormat;

use super::problem::Problem;

const JSON: &str = "application/json";
const TAKEN: &str = "application/json, application/x-ndjson, application/ndjson, application/jsonl, text/plain, \
    application/msgpack, text/csv, application/x-www-form-urlencoded, application/x-protobuf";

/// What the client says its body of events is. Without a word it is JSON; so is `text/plain`, which a browser's beacon
/// sends.
pub fn format(headers: &HeaderMap) -> Result<BodyFormat, Problem> {
    let kind = kind(headers, TAKEN)?;
    Ok(match kind.as_deref() {
        None | Some("" | JSON | "text/plain") => BodyFormat::Any,
        Some("application/x-ndjson" | "application/ndjson" | "application/jsonl") => BodyFormat::Lines,
        Some("application/msgpack" | "application/x-msgpack" | "application/vnd.msgpack") => {
            BodyFormat::MessagePack
        }
        Some("text/csv") => BodyFormat::Csv,
        Some("application/x-www-form-urlencoded") => BodyFormat::Form,
        Some("application/x-protobuf" | "application/protobuf" | "application/vnd.google.protobuf") => {
            BodyFormat::Message
        }
        Some(_) => return Err(not_taken(TAKEN)),
    })
}

/// Refuses what is called anything but JSON; a body without a word is taken for it.
pub fn check_json(headers: &HeaderMap) -> Result<(), Problem> {
    match kind(headers, JSON)?.as_deref() {
        None | Some("" | JSON | "text/plain") => Ok(()),
        Some(_) => Err(not_taken(JSON)),
    }
}

/// Refuses what is not called JSON. A page in a browser can send anything else wherever it likes.
pub fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    match kind(headers, JSON)?.as_deref() {
        Some(JSON) => Ok(()),
        _ => Err(not_taken(JSON)),
    }
}

/// The type in small letters, without its parameters; `None` where there is no header.
fn kind(headers: &HeaderMap, taken: &'static str) -> Result<Option<String>, Problem> {
    let Some(header) = headers.get(CONTENT_TYPE) else { return Ok(None) };
    let text = header.to_str().map_err(|_| not_taken(taken))?;
    let (kind, parameters) = text.split_once(';').unwrap_or((text, ""));
    check_charset(parameters, taken)?;
    Ok(Some(kind.trim().to_ascii_lowercase()))
}

fn check_charset(parameters: &str, taken: &'static str) -> Result<(), Problem> {
    for parameter in parameters.split(';') {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let charset = value.trim().trim_matches('"');
        let is_utf8 = ["utf-8", "utf8", "us-ascii"].iter().any(|name| charset.eq_ignore_ascii_case(name));
        if name.trim().eq_ignore_ascii_case("charset") && !is_utf8 {
            let detail = "the charset must be UTF-8";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-charset", detail)
                .with_header(ACCEPT, taken));
        }
    }
    Ok(())
}

fn not_taken(taken: &'static str) -> Problem {
    let detail = match taken {
        JSON => "Content-Type must be application/json".to_owned(),
        several => format!("Content-Type must be one of {several}"),
    };
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail)
        .with_header(ACCEPT, taken)
}
