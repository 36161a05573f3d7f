//! Comma-separated values (RFC 4180): the first line names the members, each further one is an event.
//!
//! Every value is a text. One that is empty is left out: CSV cannot tell an empty text from none.

use bytes::Bytes;
use csv_core::{ReadRecordResult, Reader};

use super::translation::{Translation, write_texts};
use super::{Fault, Malformed, Members, Place, SplitError};

/// The most columns, and the longest name of one: each stands in every event.
const COLUMNS_MAX: usize = 1_000;
const NAME_MAX_BYTES: usize = 256;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// One member for each line after the first.
pub fn split(body: &Bytes) -> Result<Members, SplitError> {
    let mut records = Records::new(body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body));
    let Some(header) = records.next() else { return Ok(Vec::new()) };
    let names = names(header)?;
    let mut translation = Translation::default();
    while let Some(record) = records.next() {
        translation.add(|out| {
            let values = texts(record)?;
            if values.len() != names.len() {
                let (found, expected) = (values.len(), names.len());
                let detail = format!("the line has {found} values, and the first line {expected} names");
                return Err(Fault::new("wrong_count", detail));
            }
            write_texts(out, names.iter().map(String::as_str).zip(values));
            Ok(())
        })?;
    }
    Ok(translation.into_members())
}

fn names(header: Result<Record<'_>, Fault>) -> Result<Vec<String>, Malformed> {
    let wrong = |detail: String| Malformed { detail, place: Place::Text { line: 1, column: 1 } };
    let names = texts(header).map_err(|fault| wrong(format!("the line of names: {}", fault.detail)))?;
    for (index, name) in names.iter().enumerate() {
        if name.is_empty() || name.len() > NAME_MAX_BYTES {
            let number = index + 1;
            return Err(wrong(format!("name {number} is empty or longer than {NAME_MAX_BYTES} bytes")));
        }
        if names[..index].contains(name) {
            return Err(wrong(format!("the name {name:?} occurs twice")));
        }
    }
    Ok(names.into_iter().map(str::to_owned).collect())
}

fn texts(record: Result<Record<'_>, Fault>) -> Result<Vec<&str>, Fault> {
    let Record { bytes, ends } = record?;
    let text = std::str::from_utf8(bytes).map_err(|_| Fault::new("invalid_utf8", "the line is not UTF-8"))?;
    let mut start = 0;
    let mut values = Vec::with_capacity(ends.len());
    for end in ends {
        // A value that begins in the middle of a character would need bytes of another before it.
        values.push(text.get(start..*end).ok_or_else(|| Fault::new("invalid_utf8", "a value is not UTF-8"))?);
        start = *end;
    }
    Ok(values)
}

/// A line's values one after the other, unquoted, and where each ends.
struct Record<'r> {
    bytes: &'r [u8],
    ends: &'r [usize],
}

/// Goes from line to line; blank ones are passed over.
struct Records<'b> {
    reader: Reader,
    rest: &'b [u8],
    values: Vec<u8>,
    ends: Vec<usize>,
    is_over: bool,
}

impl<'b> Records<'b> {
    fn new(body: &'b [u8]) -> Self {
        let ends = vec![0; COLUMNS_MAX + 1];
        Self { reader: Reader::new(), rest: body, values: vec![0; 1024], ends, is_over: false }
    }

    fn next(&mut self) -> Option<Result<Record<'_>, Fault>> {
        if self.is_over {
            return None;
        }
        let (line, mut written, mut ended, mut too_many) = (self.rest, 0, 0, false);
        loop {
            let room = &mut self.values[written..];
            let (result, read, wrote, ends) =
                self.reader.read_record(self.rest, room, &mut self.ends[ended..]);
            self.rest = &self.rest[read..];
            (written, ended) = (written + wrote, ended + ends);
            match result {
                // Nothing follows: asked once more, the reader ends the last line.
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.values.resize(self.values.len() * 2, 0),
                // What follows belongs to the same line, and is read over.
                ReadRecordResult::OutputEndsFull => (too_many, ended) = (true, 0),
                ReadRecordResult::Record => break,
                ReadRecordResult::End => {
                    self.is_over = true;
                    return None;
                }
            }
        }
        let line = &line[..line.len() - self.rest.len()];
        if too_many || ended > COLUMNS_MAX {
            let detail = format!("a line may have {COLUMNS_MAX} values, not more");
            return Some(Err(Fault::new("too_many_members", detail)));
        }
        // A quote that nothing closes swallows whatever follows.
        if memchr::memchr_iter(b'"', line).count() % 2 == 1 {
            return Some(Err(Fault::new("unclosed_quote", "a quotation mark is not closed, or not doubled")));
        }
        Some(Ok(Record { bytes: &self.values[..written], ends: &self.ends[..ended] }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    /// The events, or the codes of what is wrong with them.
    fn events(body: impl Into<Bytes>) -> Vec<String> {
        let members = split(&body.into()).unwrap().into_iter();
        let text = |member: Result<Bytes, Fault>| match member {
            Ok(text) => String::from_utf8(text.to_vec()).unwrap(),
            Err(fault) => fault.code.to_owned(),
        };
        members.map(text).collect()
    }

    #[test]
    fn the_first_line_names_the_members() {
        let body = "\u{FEFF}page,event,n\r\n/home,click,1\r\n\r\n\"/a,b\",\"say \"\"no\"\"\",\n";
        let expected =
            [r#"{"page":"/home","event":"click","n":"1"}"#, r#"{"page":"/a,b","event":"say \"no\""}"#];
        assert_eq!(events(body), expected);
        assert_eq!(events("a\n\"x\ny\""), [r#"{"a":"x\ny"}"#]);
        assert_eq!(events("a,b"), [""; 0]);
        assert_eq!(events(""), [""; 0]);
    }

    #[test]
    fn a_bad_line_does_not_spoil_its_neighbours() {
        let body = b"a,b\n1,2\n1\n1,2,3\n\xFF,2\n3,4\n5,\"6".to_vec();
        let expected = [
            r#"{"a":"1","b":"2"}"#,
            "wrong_count",
            "wrong_count",
            "invalid_utf8",
            r#"{"a":"3","b":"4"}"#,
            "unclosed_quote",
        ];
        assert_eq!(events(body), expected);
    }

    #[test]
    fn a_line_of_too_many_values_is_one_bad_line() {
        for count in [COLUMNS_MAX + 1, COLUMNS_MAX + 2, 3 * COLUMNS_MAX] {
            let body = format!("a\n{}\n7\n", vec!["1"; count].join(","));
            assert_eq!(events(body), ["too_many_members", r#"{"a":"7"}"#], "{count}");
        }
        let names: Vec<String> = (0..COLUMNS_MAX).map(|n| format!("c{n}")).collect();
        let body = format!("{}\n{}\n", names.join(","), vec!["1"; COLUMNS_MAX].join(","));
        assert!(events(body)[0].ends_with("\"c999\":\"1\"}"));
    }

    #[test]
    fn names_that_cannot_serve_are_refused() {
        let long = "x".repeat(NAME_MAX_BYTES + 1);
        for (header, why) in
            [("a,a", "twice"), ("a,", "empty"), (long.as_str(), "longer"), ("\"a", "quotation")]
        {
            let error = split(&Bytes::from(format!("{header}\n1,2\n"))).unwrap_err().to_string();
            assert!(error.contains(why), "{header}: {error}");
        }
    }

    #[test]
    fn few_bytes_do_not_become_much_json() {
        let body = format!("{}\n{}", "x".repeat(NAME_MAX_BYTES), "a\n".repeat(99_999));
        assert_eq!(events(body).len(), 99_999);
        let many = format!("a\n{}", "b\n".repeat(100_001));
        assert!(matches!(split(&Bytes::from(many)), Err(SplitError::TooManyEvents { .. })));
        let names: Vec<String> = (0..COLUMNS_MAX).map(|n| format!("{n:0250}")).collect();
        let large =
            format!("{}\n{}", names.join(","), (vec!["a"; COLUMNS_MAX].join(",") + "\n").repeat(1_000));
        assert_eq!(split(&Bytes::from(large)), Err(SplitError::TooLarge));
    }

    proptest! {
        #[test]
        fn every_value_is_found_again(rows in vec(vec("[a-c\",\r\n é]{0,5}", 3), 0..6), crlf in any::<bool>()) {
            let end = if crlf { "\r\n" } else { "\n" };
            let quoted = |value: &String| format!("\"{}\"", value.replace('"', "\"\""));
            let line = |row: &Vec<String>| row.iter().map(quoted).collect::<Vec<_>>().join(",") + end;
            let body = format!("a,b,c{end}{}", rows.iter().map(line).collect::<String>());
            let found: Vec<Vec<String>> = events(body).iter().map(|event| {
                let parsed: serde_json::Value = serde_json::from_str(event).unwrap();
                ["a", "b", "c"].map(|name| parsed[name].as_str().unwrap_or_default().to_owned()).to_vec()
            }).collect();
            prop_assert_eq!(found, rows);
        }

        #[test]
        fn no_bytes_make_it_panic(body in vec(prop_oneof![Just(b','), Just(b'"'), Just(b'\n'), any::<u8>()], 0..200)) {
            let _ = split(&Bytes::from(body));
        }
    }
}
