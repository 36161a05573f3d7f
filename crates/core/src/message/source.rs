//! What a message has beside its value, as text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A key or a header's value is told up to here.
const TEXT_MAX_BYTES: usize = 4_096;
const HEADERS_MAX: usize = 100;

/// Text as it is; other bytes as base64, which says so.
pub fn text(bytes: &[u8]) -> String {
    let told = &bytes[..bytes.len().min(TEXT_MAX_BYTES)];
    let more = if told.len() < bytes.len() { "…" } else { "" };
    match std::str::from_utf8(told) {
        Ok(text) => format!("{text}{more}"),
        // Cut within a character.
        Err(error) if !more.is_empty() && error.error_len().is_none() => {
            format!("{}{more}", String::from_utf8_lossy(&told[..error.valid_up_to()]))
        }
        Err(_) => format!("base64:{}{more}", base64(told)),
    }
}

/// The headers in their order; null is told as empty.
pub fn headers(headers: &[(&str, Option<&[u8]>)]) -> Vec<(String, String)> {
    let header =
        |(name, value): &(&str, Option<&[u8]>)| (text(name.as_bytes()), text(value.unwrap_or_default()));
    headers.iter().take(HEADERS_MAX).map(header).collect()
}

pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}
