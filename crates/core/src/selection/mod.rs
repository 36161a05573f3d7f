//! What settings name in an event, a member or a JSON pointer, and the values that stand there.
//!
//! **Constraint.** However many are named, an event's bytes are walked once for all of them, and nothing is built for
//! the rest. Values stay as the client wrote them: a number keeps its digits. Of a member that stands twice, the last
//! counts, as it does for the columns.

mod number;
mod paths;
mod source;
mod value;

use serde_json::value::RawValue;

pub use number::Number;
pub use source::Source;
pub use value::Value;

use crate::event::Record;
use paths::{Latest, Paths};

/// Places to look at in each event, all of them at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    sources: Vec<Source>,
    paths: Paths,
}

impl Selection {
    /// Looks at these places.
    pub fn new(sources: Vec<Source>) -> Self {
        let paths = Paths::of(sources.iter().map(Source::pointer));
        Self { sources, paths }
    }

    /// Whether it looks at no place at all.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// The values at the places, in their order. Fails where the event is not one valid JSON object.
    pub fn read<'a>(&self, record: &'a Record) -> serde_json::Result<Vec<Value<'a>>> {
        if self.is_empty() {
            return Ok(Vec::new());
        }
        let body = std::str::from_utf8(&record.event.body).map_err(serde::de::Error::custom)?;
        self.values(self.paths.find(body)?, record)
    }

    /// For whoever walks over an event's members anyway: takes note of them on the way.
    pub fn watch<'a>(&self) -> Watch<'_, 'a> {
        Watch { selection: self, latest: self.paths.watch() }
    }

    fn values<'a>(
        &self,
        found: Vec<Option<&'a RawValue>>,
        record: &'a Record,
    ) -> serde_json::Result<Vec<Value<'a>>> {
        let value = |(source, raw): (&Source, Option<&'a RawValue>)| match raw.map(Value::of).transpose()? {
            Some(value) if value != Value::Null => Ok(value),
            _ => Ok(source.known(record)),
        };
        self.sources.iter().zip(found).map(value).collect()
    }
}

/// Takes note of an event's members while somebody else walks over them.
pub struct Watch<'s, 'a> {
    selection: &'s Selection,
    latest: Latest<'a>,
}

impl<'a> Watch<'_, 'a> {
    /// The event has this member.
    pub fn member(&mut self, name: &str, value: &'a RawValue) {
        self.selection.paths.note(&mut self.latest, name, value);
    }

    /// The values at the places, in their order, of the event whose members these were.
    pub fn finish(self, record: &'a Record) -> serde_json::Result<Vec<Value<'a>>> {
        let found = self.selection.paths.descend(self.latest)?;
        self.selection.values(found, record)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::event::Origin;
    use crate::testkit::record;

    fn record_of(body: &str) -> Record {
        let mut record = record(1, "events", 0);
        record.event.body = body.to_owned().into();
        let origin = Origin {
            user_id: Some("alice".to_owned()),
            client_ip: Some("192.0.2.1".to_owned()),
            ..Origin::default()
        };
        record.origin = Arc::new(origin);
        record
    }

    fn read(record: &Record, names: &[&str]) -> Vec<String> {
        let sources = names.iter().map(|name| Source::parse(name).unwrap()).collect();
        let values = Selection::new(sources).read(record).unwrap();
        values.iter().map(|value| value.json().into_owned()).collect()
    }

    #[test]
    fn members_and_pointers_give_what_stands_there() {
        let record = record_of(
            r#"{"a": 1.50, "b":{"c":["x",{"d":true}],"e":{}}, "f/g":"\u00e9", "h":null, "i":{"j":null}}"#,
        );
        let names = ["a", "/a", "/b/c/1/d", "/b/c/0", "b", "/b/e", "f/g", "/f~1g"];
        let expected =
            ["1.50", "1.50", "true", "\"x\"", r#"{"c":["x",{"d":true}],"e":{}}"#, "{}", "\"é\"", "\"é\""];
        assert_eq!(read(&record, &names), expected);
        let nothing = ["h", "/h", "/i/j", "/h/j", "/a/x", "/b/c/2", "/b/c/x", "none", "/b/none/x"];
        assert_eq!(read(&record, &nothing), ["null"; 9]);
    }

    #[test]
    fn of_what_stands_twice_the_last_counts_at_every_depth() {
        let record = record_of(r#"{"a":{"b":1,"c":2},"d":1,"a":{"b":3,"b":4},"d":null}"#);
        assert_eq!(read(&record, &["/a/b", "/a/c", "d"]), ["4", "null", "null"]);
    }

    #[test]
    fn what_the_event_does_not_say_itself_is_told_by_what_is_known_of_it() {
        let silent = record_of(r#"{"user_id":null}"#);
        let names = ["user_id", "client_ip", "stream", "app_version", "/client_ip"];
        assert_eq!(read(&silent, &names), ["\"alice\"", "\"192.0.2.1\"", "\"events\"", "null", "null"]);
        let telling = record_of(r#"{"user_id":7,"client_ip":"x"}"#);
        assert_eq!(read(&telling, &["user_id", "client_ip", "/client_ip"]), ["7", "\"x\"", "\"x\""]);
    }

    #[test]
    fn watching_the_members_gives_the_same_as_reading() {
        let record = record_of(r#"{"a":{"b":1},"x":2,"a":{"b":[true]}}"#);
        let sources = ["/a/b/0", "x", "y"].map(|name| Source::parse(name).unwrap()).to_vec();
        let selection = Selection::new(sources);
        let mut watch = selection.watch();
        let members = [("a", r#"{"b":1}"#), ("x", "2"), ("a", r#"{"b":[true]}"#)];
        for (name, value) in members {
            watch.member(name, serde_json::from_str(value).unwrap());
        }
        assert_eq!(watch.finish(&record).unwrap(), selection.read(&record).unwrap());
    }

    #[test]
    fn what_is_no_object_is_an_error_not_an_event_without_members() {
        let selection = Selection::new(vec![Source::parse("a").unwrap()]);
        for bad in ["", "1", "[{\"a\":1}]", "{", "{\"a\":1}x", "{\"a\":\"\\ud800\"}"] {
            assert!(selection.read(&record_of(bad)).is_err(), "{bad}");
        }
    }
}
