//! Values in people's words.

use serde_json::Value;

use crate::config::write_size;

/// A value as a person reads it; `-` where there is none.
pub fn word(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Bytes, rounded.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => write_size(bytes),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
        _ => format!("{:.1} GiB", bytes as f64 / 1_073_741_824.0),
    }
}

/// How long something takes, rounded.
pub fn span(seconds: f64) -> String {
    let whole = seconds as u64;
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        3600..86_400 => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
        _ => format!("{} d {} h", whole / 86_400, whole % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_spans_are_rounded() {
        assert_eq!([17, 2048, 5 << 20, 3 << 30].map(size), ["17B", "2.0 KiB", "5.0 MiB", "3.0 GiB"]);
        assert_eq!([0.25, 61.0, 7260.0, 180_000.0].map(span), ["0.2 s", "1 min 1 s", "2 h 1 min", "2 d 2 h"]);
    }
}
