//! Values as ClickHouse's format `RowBinary` has them.

use weir_core::event::EventId;

/// A length, seven bits at a time, the lowest first.
pub(super) fn write_length(out: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
}

pub(super) fn write_text(out: &mut Vec<u8>, text: &str) {
    write_length(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn write_null(out: &mut Vec<u8>) {
    out.push(1);
}

/// Goes before a value that might have been null.
pub(super) fn write_not_null(out: &mut Vec<u8>) {
    out.push(0);
}

/// A text of a nullable type.
pub(super) fn write_text_or_null(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        None => write_null(out),
        Some(text) => {
            write_not_null(out);
            write_text(out, text);
        }
    }
}

/// Two numbers of 64 bits, the higher first, each with its lowest byte first.
pub(super) fn write_uuid(out: &mut Vec<u8>, EventId(bytes): EventId) {
    out.extend(bytes[..8].iter().rev());
    out.extend(bytes[8..].iter().rev());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_takes_seven_bits_a_byte() {
        for (length, expected) in
            [(0, &[0][..]), (127, &[0x7f]), (128, &[0x80, 1]), (1 << 20, &[0x80, 0x80, 0x40])]
        {
            let mut out = Vec::new();
            write_length(&mut out, length);
            assert_eq!(out, expected, "{length}");
        }
    }

    #[test]
    fn a_uuid_is_two_numbers() {
        let mut out = Vec::new();
        write_uuid(&mut out, EventId::parse("00010203-0405-0607-0809-0a0b0c0d0e0f").unwrap());
        assert_eq!(out, [7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8]);
    }
}
