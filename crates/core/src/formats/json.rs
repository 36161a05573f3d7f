//! JSON bodies: one object, an array, or a line each.
//!
//! Members are checked in full later, when their facts are picked; here they are only told apart.

use bytes::Bytes;
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::{Fault, Malformed, Place};

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// How deep objects and arrays may lie within one another.
pub const NESTING_MAX: usize = 100;

/// Cuts a body that may be an object, an array, or lines.
pub fn split(body: &Bytes) -> Result<Vec<Result<Bytes, Fault>>, Malformed> {
    let body = body.slice(if body.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 }..);
    let text = simdutf8::basic::from_utf8(&body).map_err(|_| not_utf8(&body))?;
    match text.bytes().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'[') => split_array(&body, text),
        _ => match serde_json::from_str::<&RawValue>(text) {
            Ok(value) => Ok(vec![Ok(body.slice_ref(value.get().as_bytes()))]),
            Err(error) if follows_a_whole_value(&error) => Ok(split_lines(&body)),
            Err(error) => Err(malformed(&error)),
        },
    }
}

/// Cuts at line ends; blank lines are left out and not counted.
pub fn split_lines(body: &Bytes) -> Vec<Result<Bytes, Fault>> {
    let mut start = 0;
    let mut members = Vec::with_capacity(body.len() / 128 + 1);
    for end in memchr::memchr_iter(b'\n', body).chain([body.len()]) {
        let line = body[start..end].trim_ascii();
        if !line.is_empty() {
            members.push(Ok(body.slice_ref(line)));
        }
        start = end + 1;
    }
    members
}

fn split_array(body: &Bytes, text: &str) -> Result<Vec<Result<Bytes, Fault>>, Malformed> {
    let elements: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    Ok(elements.iter().map(|element| Ok(body.slice_ref(element.get().as_bytes()))).collect())
}

/// serde_json tells this case by its text alone.
fn follows_a_whole_value(error: &serde_json::Error) -> bool {
    error.classify() == Category::Syntax && error.to_string().starts_with("trailing characters")
}

pub(crate) fn malformed(error: &serde_json::Error) -> Malformed {
    let detail = match error.classify() {
        Category::Eof => "the JSON ends too early".to_owned(),
        _ => format!("the body is not valid JSON: {}", without_place(error)),
    };
    Malformed { detail, place: Place::Text { line: error.line().max(1), column: error.column().max(1) } }
}

/// The error's text without its ` at line 1 column 2`.
pub(super) fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(what, _)| what.to_owned())
}

fn not_utf8(body: &[u8]) -> Malformed {
    let valid = std::str::from_utf8(body).map_or_else(|error| error.valid_up_to(), str::len);
    let line_start = memchr::memrchr(b'\n', &body[..valid]).map_or(0, |at| at + 1);
    let line = memchr::memchr_iter(b'\n', &body[..valid]).count() + 1;
    let place = Place::Text { line, column: valid - line_start + 1 };
    Malformed { detail: "the body is not UTF-8".to_owned(), place }
}

/// Checks what a JSON parser lets through and some store will not: nesting without end, and halves of characters.
///
/// Both are looked for only where a glance at the bytes says that they are possible.
pub fn check_text(text: &str) -> Result<(), Fault> {
    let brackets = memchr::memchr2_iter(b'{', b'[', text.as_bytes()).take(NESTING_MAX + 1).count();
    if brackets > NESTING_MAX && nesting(text) > NESTING_MAX {
        return Err(Fault::new(
            "too_deep",
            format!("objects and arrays may be nested {NESTING_MAX} deep, not more"),
        ));
    }
    match text.contains("\\u") && has_lone_surrogate(text) {
        true => Err(Fault::new(
            "lone_surrogate",
            "a \\u escape stands for half a character; send the pair, or UTF-8",
        )),
        false => Ok(()),
    }
}

fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest, mut in_string) = (0_usize, 0, false);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => in_string = !in_string,
            b'\\' if in_string => drop(bytes.next()),
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Whether a `\uD800`–`\uDFFF` stands without its other half. A backslash occurs in JSON only within a string.
fn has_lone_surrogate(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', &bytes[at..]) {
        let escape = at + found;
        match code_unit(bytes, escape) {
            None => at = escape + 2,
            Some(0xD800..=0xDBFF) => match code_unit(bytes, escape + 6) {
                Some(0xDC00..=0xDFFF) => at = escape + 12,
                _ => return true,
            },
            Some(0xDC00..=0xDFFF) => return true,
            Some(_) => at = escape + 6,
        }
        if at >= bytes.len() {
            break;
        }
    }
    false
}

/// The UTF-16 code unit that an escape of four digits stands for, if one stands at this place.
pub fn code_unit(bytes: &[u8], at: usize) -> Option<u16> {
    let escape = bytes.get(at..at + 6)?;
    let digits = std::str::from_utf8(escape.strip_prefix(b"\\u")?).ok()?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn members(body: &str) -> Vec<String> {
        let members = split(&Bytes::from(body.to_owned())).unwrap();
        members.into_iter().map(|m| String::from_utf8(m.unwrap().to_vec()).unwrap()).collect()
    }

    #[test]
    fn one_object_is_one_member_and_an_array_one_for_each_element() {
        assert_eq!(members(" {\"a\":1}\n"), ["{\"a\":1}"]);
        assert_eq!(members("[{\"a\":1}, {\"b\":[2]} ,3]"), ["{\"a\":1}", "{\"b\":[2]}", "3"]);
        assert_eq!(members("[]"), [""; 0]);
    }

    #[test]
    fn objects_one_below_the_other_are_told_from_the_body() {
        assert_eq!(members("{\"a\":1}\n\r\n{\"b\":2}\n{broken\n"), ["{\"a\":1}", "{\"b\":2}", "{broken"]);
    }

    #[test]
    fn an_object_over_several_lines_is_still_one() {
        assert_eq!(members("{\n \"a\": 1\n}"), ["{\n \"a\": 1\n}"]);
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        assert_eq!(members("\u{FEFF}{\"a\":1}"), ["{\"a\":1}"]);
    }

    #[test]
    fn broken_json_is_told_with_its_place() {
        let error = split(&Bytes::from_static(b"{\n\"a\": tru}")).unwrap_err();
        assert_eq!(error.place, Place::Text { line: 2, column: 9 });
        let error = split(&Bytes::from_static(b"{\"a\":1}\n\xFF")).unwrap_err();
        assert_eq!(error.to_string(), "the body is not UTF-8 at line 2, column 1");
    }

    #[test]
    fn nesting_is_limited_and_brackets_in_strings_do_not_count() {
        let deep = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n));
        assert!(check_text(&deep(NESTING_MAX - 1)).is_ok());
        assert_eq!(check_text(&deep(NESTING_MAX)).unwrap_err().code, "too_deep");
        assert!(check_text(&format!("{{\"a\":\"{}\\\"{}\"}}", "[".repeat(500), "{".repeat(500))).is_ok());
    }

    #[test]
    fn half_a_character_is_refused_and_a_whole_one_is_not() {
        for good in [r#""\ud83d\ude00""#, r#""\\ud800""#, r#""\u00e9""#, r#""é""#] {
            assert!(check_text(good).is_ok(), "{good}");
        }
        for bad in [r#""\ud800""#, r#""\udc00""#, r#""\ud83dx""#, r#""\ud83d\u0041""#, r#""\\\udfff""#] {
            assert_eq!(check_text(bad).unwrap_err().code, "lone_surrogate", "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let body = Bytes::from(body);
            let _ = split(&body);
            split_lines(&body);
            if let Ok(text) = std::str::from_utf8(&body) {
                let _ = check_text(text);
            }
        }

        #[test]
        fn the_surrogate_check_agrees_with_a_full_parser(escapes in prop::collection::vec(0_u16.., 0..4), tail in "[a-z\\\\]{0,3}") {
            let text: String = escapes.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let json = format!("\"{text}{}\"", tail.replace('\\', "\\\\"));
            prop_assert_eq!(check_text(&json).is_ok(), serde_json::from_str::<String>(&json).is_ok());
        }
    }
}
