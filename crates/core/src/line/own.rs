//! The way back: an event's own members out of its line.

use std::borrow::Cow;
use std::fmt;

use super::members::members;
use super::{SHADOWED, is_ours, ours, write_member};

/// Where a line holds the event's own members. Its text is short and goes beside the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Own {
    /// As they came, from this byte of the line up to its end.
    From(usize),
    /// Among ours, as some are called like them; those that say what ours say are named here, and written once.
    Apart(Vec<&'static str>),
}

impl Own {
    /// Reads the form that [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(' ').unwrap_or((text, "")) {
            ("from", at) => at.parse().ok().map(Self::From),
            ("apart", names) => names.split_whitespace().map(ours).collect::<Option<_>>().map(Self::Apart),
            _ => None,
        }
    }

    /// The event as it was before it became this line: the same bytes where [`Own::From`] says so, else the same
    /// members with the same values; one part behind the other. `None` where the line is no line of this kind.
    pub fn body<'a>(&self, line: &'a [u8]) -> Option<(&'static [u8], Cow<'a, [u8]>)> {
        match self {
            Self::From(at) => {
                let members = line.get(*at..).filter(|members| members.ends_with(b"}"))?;
                Some((b"{", Cow::Borrowed(members)))
            }
            Self::Apart(restated) => {
                let body = collect(std::str::from_utf8(line).ok()?, restated).ok()?;
                Some((b"", Cow::Owned(body)))
            }
        }
    }
}

fn collect(line: &str, restated: &[&str]) -> serde_json::Result<Vec<u8>> {
    let mut own = Vec::new();
    for member in members(line)? {
        match member.0.as_ref() {
            SHADOWED => own.extend(members(member.1.get())?),
            name if !is_ours(name) || restated.contains(&name) => own.push(member),
            _ => {}
        }
    }
    let mut body = vec![b'{'];
    for (place, member) in own.iter().enumerate() {
        if place > 0 {
            body.push(b',');
        }
        write_member(&mut body, member);
    }
    body.push(b'}');
    Ok(body)
}

impl fmt::Display for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::From(at) => write!(f, "from {at}"),
            Self::Apart(restated) => {
                f.write_str("apart")?;
                restated.iter().try_for_each(|name| write!(f, " {name}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::{Last, write};
    use crate::testkit::record;
    use proptest::prelude::*;
    use serde_json::Value;

    /// The event's line and back.
    fn there_and_back(body: &str) -> String {
        let mut record = record(7, "actions", 0);
        record.event.body = body.to_owned().into();
        record.event.client_id = Some("c-1".into());
        // Something else stands before it already.
        let mut out = b"before".to_vec();
        let own = write(&mut out, &record, &mut Last::default()).unwrap();
        let told = Own::parse(&own.to_string()).unwrap();
        assert_eq!(told, own);
        let (start, rest) = told.body(&out[6..]).unwrap();
        String::from_utf8([start, &rest].concat()).unwrap()
    }

    #[test]
    fn an_event_comes_out_as_it_went_in() {
        for body in ["{}", r#"{"a":1}"#, "{\n \"a\" : 1.50e400,\"a\":null }", r#"{"x":{"id":1}}"#] {
            assert_eq!(there_and_back(body), body);
        }
    }

    #[test]
    fn members_that_are_called_like_ours_come_out_with_their_own_values() {
        for (body, expected) in [
            (r#"{"log_id": "c-1" ,"n":1.00}"#, r#"{"log_id":"c-1","n":1.00}"#),
            (r#"{"id":5,"user_id":null}"#, r#"{"user_id":null,"id":5}"#),
            (r#"{"shadowed":{"id":1},"a":2}"#, r#"{"a":2,"shadowed":{"id":1}}"#),
            (r#"{"occurred_at":7,"stream":"actions"}"#, r#"{"stream":"actions","occurred_at":7}"#),
        ] {
            assert_eq!(there_and_back(body), expected);
        }
    }

    #[test]
    fn what_is_no_line_gives_no_event() {
        for (own, line) in
            [("from 9", "{}"), ("from 0", ""), ("from 2", "{}x"), ("apart", "{"), ("apart", "\u{0}")]
        {
            assert_eq!(Own::parse(own).unwrap().body(line.as_bytes()), None, "{own}: {line}");
        }
        for bad in ["", "from", "from -1", "apart id x", "behind 3"] {
            assert_eq!(Own::parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn whatever_the_members_are_called_they_come_out(
            members in prop::collection::btree_map("[a-c\"é]{0,2}|id|log_id|user_id|shadowed|stream", "c-1|actions|x|\n", 0..8)
        ) {
            let body = serde_json::to_string_pretty(&members).unwrap();
            let back: Value = serde_json::from_str(&there_and_back(&body)).unwrap();
            prop_assert_eq!(back, serde_json::to_value(&members).unwrap());
        }
    }
}
