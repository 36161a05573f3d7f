//! Which part of a cluster a key is in.

/// The slot of a key: CRC-16 of what stands between its first braces, or of all of it, in 16,384 parts.
pub(super) fn slot(key: &[u8]) -> u16 {
    crc16(tag(key).unwrap_or(key)) % 16_384
}

/// A name that begins with `prefix` and is in the same slot as the key.
pub fn in_slot_of(key: &str, prefix: &str) -> String {
    match tag(key.as_bytes()) {
        Some(_) => format!("{prefix}{key}"),
        None => format!("{prefix}{{{key}}}"),
    }
}

/// What stands between the first opening brace and the next closing one, if there is anything.
fn tag(key: &[u8]) -> Option<&[u8]> {
    let start = key.iter().position(|byte| *byte == b'{')? + 1;
    let length = key[start..].iter().position(|byte| *byte == b'}').filter(|length| *length > 0)?;
    Some(&key[start..start + length])
}

/// CRC-16/XMODEM.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| match crc & 0x8000 {
            0 => crc << 1,
            _ => crc << 1 ^ 0x1021,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_redis() {
        // From Redis' own specification, and from CLUSTER KEYSLOT.
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(slot(b"events"), slot(b"a{events}b"));
        assert_eq!(slot(b"{user1000}.following"), slot(b"{user1000}.followers"));
        assert_eq!(slot(b"foo{{bar}}zap"), crc16(b"{bar") % 16_384);
        assert_ne!(slot(b"foo{}{bar}"), slot(b"bar"));
    }

    #[test]
    fn a_name_beside_a_key_is_in_its_slot() {
        for key in ["events", "a{b}c", "a{}b", "a}b{", "{"] {
            let beside = in_slot_of(key, "weir:");
            assert!(beside.starts_with("weir:"));
            if !key.contains(['{', '}']) || tag(key.as_bytes()).is_some() {
                assert_eq!(slot(beside.as_bytes()), slot(key.as_bytes()), "{key}");
            }
        }
    }
}
