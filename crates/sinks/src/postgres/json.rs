//! What JSON says that `jsonb` cannot hold: Postgres keeps strings as text without NUL, and numbers as `numeric`.
//!
//! **Constraint.** The text is valid JSON already; this only looks for what the server would refuse, and gives its own
//! SQLSTATE as the reason, so that a dead letter reads the same whoever found it.

use memchr::memchr2;
use weir_core::formats::json::code_unit;
use weir_core::sink::Refusal;

/// Digits that `numeric` has room for, before the point and after it.
pub(super) const WHOLE_MAX_DIGITS: i64 = 131_072;
pub(super) const FRACTION_MAX_DIGITS: i64 = 16_383;

/// Why `jsonb` cannot hold this text in this column, if it cannot.
pub(super) fn check(column: &str, json: &str) -> Result<(), Refusal> {
    let bytes = json.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at = match byte {
            b'"' => skip_string(column, bytes, at + 1)?,
            b'-' | b'0'..=b'9' => skip_number(column, json, at)?,
            _ => at + 1,
        };
    }
    Ok(())
}

/// Text holds every character but NUL.
pub(super) fn check_text(column: &str, text: &str) -> Result<(), Refusal> {
    match memchr::memchr(0, text.as_bytes()) {
        None => Ok(()),
        Some(at) => Err(refusal(
            "22021",
            column,
            &format!("has a NUL character at byte {at}, which text cannot hold"),
        )),
    }
}

/// From within a string to behind it.
fn skip_string(column: &str, bytes: &[u8], from: usize) -> Result<usize, Refusal> {
    let mut at = from;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found;
        match (bytes.get(at), bytes.get(at + 1)) {
            (Some(b'\\'), Some(b'u')) => at = skip_escape(column, bytes, at)?,
            (Some(b'\\'), _) => at += 2,
            _ => return Ok(at + 1),
        }
    }
    Ok(bytes.len())
}

fn skip_escape(column: &str, bytes: &[u8], at: usize) -> Result<usize, Refusal> {
    match code_unit(bytes, at) {
        Some(0) => Err(refusal("22P05", column, "has the character \\u0000, which jsonb cannot hold")),
        Some(0xD800..=0xDBFF) => match code_unit(bytes, at + 6) {
            Some(0xDC00..=0xDFFF) => Ok(at + 12),
            _ => Err(half(column)),
        },
        Some(0xDC00..=0xDFFF) => Err(half(column)),
        _ => Ok(at + 6),
    }
}

fn half(column: &str) -> Refusal {
    refusal("22P02", column, "has half of a surrogate pair, which is no character")
}

fn skip_number(column: &str, json: &str, from: usize) -> Result<usize, Refusal> {
    let part = |byte: &u8| !matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E');
    let end = json.as_bytes()[from..].iter().position(part).map_or(json.len(), |length| from + length);
    let text = &json[from..end];
    // Most numbers are too short to be too large.
    let suspicious = text.len() > 16_000 || text.contains(['e', 'E']);
    match suspicious && !fits_numeric(text) {
        true => {
            Err(refusal("22003", column, &format!("has the number {text:.40}, which numeric cannot hold")))
        }
        false => Ok(end),
    }
}

/// As the server counts: by the digits as they are written, zeros included.
fn fits_numeric(text: &str) -> bool {
    let text = text.trim_start_matches('-');
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let Ok(exponent) = exponent.trim_start_matches('+').parse::<i32>().map(i64::from) else { return false };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction_digits = (fraction.len() as i64 - exponent).max(0);
    let is_zero = mantissa.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    let whole_digits = whole.trim_start_matches('0').len() as i64 + exponent;
    fraction_digits <= FRACTION_MAX_DIGITS && (is_zero || whole_digits <= WHOLE_MAX_DIGITS)
}

fn refusal(code: &str, column: &str, what: &str) -> Refusal {
    Refusal { reason: code.to_owned(), detail: format!("column \"{column}\": the value {what}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(json: &str) -> Option<String> {
        check("param", json).err().map(|refusal| refusal.reason)
    }

    #[test]
    fn what_jsonb_holds_is_let_through() {
        for json in [
            r#"{"a":"\\u0000","b":"\"\\","c":"\ud83e\udd80","d":"é\n"}"#,
            r#"[1e131071, 1e-16383, -0.0, 1E+5, 0e99999]"#,
            &"9".repeat(131_072),
            "true",
        ] {
            assert_eq!(reason(json), None, "{json:.80}");
        }
    }

    #[test]
    fn what_it_does_not_hold_is_told_by_the_servers_own_code() {
        for (json, code) in [
            (r#"{"a":"x\u0000"}"#, "22P05"),
            (r#"{"\u0000":1}"#, "22P05"),
            (r#"["\\\u0000"]"#, "22P05"),
            (r#"["\ud800"]"#, "22P02"),
            (r#"["\ud800\u0041"]"#, "22P02"),
            (r#"["\udc00"]"#, "22P02"),
            ("1e131072", "22003"),
            ("[1e-16384]", "22003"),
            ("1e99999999999999999999", "22003"),
            (&"9".repeat(131_073), "22003"),
        ] {
            assert_eq!(reason(json).as_deref(), Some(code), "{json:.80}");
        }
    }

    #[test]
    fn text_holds_everything_but_nul() {
        assert!(check_text("label", "").is_ok() && check_text("label", "\u{1}é\u{10FFFF}").is_ok());
        assert_eq!(check_text("label", "a\0").unwrap_err().reason, "22021");
    }
}
