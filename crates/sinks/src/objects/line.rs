//! An event as one line, as an object holds it.

use weir_core::event::Record;
use weir_core::line::{self, Last};
use weir_core::sink::Refusal;

use super::store;
use crate::fields::refusal;

/// Appends the event's line, with its end.
pub(super) fn write(out: &mut Vec<u8>, record: &Record, last: &mut Last) -> Result<(), Refusal> {
    let start = out.len();
    match store::is_store(record) {
        true => store::write(out, record)?,
        false => {
            line::write(out, record, last).map_err(refusal)?;
        }
    }
    flatten(&mut out[start..]);
    out.push(b'\n');
    Ok(())
}

/// A line end can stand only between the parts of valid JSON, where a blank means the same.
fn flatten(line: &mut [u8]) {
    let mut from = 0;
    while let Some(at) = memchr::memchr2(b'\n', b'\r', &line[from..]) {
        line[from + at] = b' ';
        from += at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use weir_core::testkit::record;

    fn line(body: &str) -> Result<String, Refusal> {
        let mut record = record(7, "events", 0);
        record.event.body = body.to_owned().into();
        let mut out = Vec::new();
        write(&mut out, &record, &mut Last::default())?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_line_is_one_line() {
        let text = line("{\r\n  \"a\" :\n 1\r\n}").unwrap();
        assert_eq!(text.find(['\n', '\r']), Some(text.len() - 1));
        let parsed: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(parsed["a"], 1);
        assert!(line(" {} ").unwrap().ends_with("\"user_id\":null}\n"));
    }

    #[test]
    fn what_is_no_json_object_is_refused() {
        assert_eq!(line("{\"a\":tru}").unwrap_err().reason, "invalid_json");
    }
}
