//! Keys for what its sender did not name.

use weir_core::time::Timestamp;

/// A UUID of version 7, as events have: keys that are issued rise with time.
pub fn issued_key(now: Timestamp) -> String {
    let millis = u64::try_from(now.as_micros() / 1000).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &rand::random()).into_uuid().to_string()
}
