//! Times on the command line.

use weir_core::time::Timestamp;

/// Reads RFC 3339, or a number as clients send it, and writes it as RFC 3339.
pub fn moment(text: &str) -> Result<String, String> {
    let number = || text.parse().ok().and_then(Timestamp::from_number);
    let moment = Timestamp::parse(text).or_else(number);
    let wrong = || "write it as 2026-11-22T09:00:00Z, or as seconds or milliseconds since 1970".to_owned();
    moment.map(|moment| moment.to_string()).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_rfc_3339_or_a_number() {
        let expected = Ok("2026-11-22T09:00:00.000000Z".to_owned());
        for text in ["2026-11-22T09:00:00Z", "2026-11-22T10:00:00+01:00", "1795338000", "1795338000000"] {
            assert_eq!(moment(text), expected, "{text}");
        }
        assert!(moment("yesterday").is_err());
    }
}
