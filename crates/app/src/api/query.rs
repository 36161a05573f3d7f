//! The part of an address after its question mark.

use std::collections::BTreeMap;

use weir_core::time::Timestamp;

use super::problem::Problem;

/// The least surprising number of items, and the most that one answer gives.
const LIMIT_DEFAULT: usize = 100;
const LIMIT_MAX: usize = 1000;

/// Names and values, percent-decoded.
pub struct Query(BTreeMap<String, String>);

impl Query {
    /// Reads it. A name that stands twice is refused: which one is meant?
    pub fn parse(query: Option<&str>) -> Result<Self, Problem> {
        let mut values = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(query.unwrap_or("").as_bytes()) {
            if values.contains_key(&*name) {
                return Err(bad(&name, "stands more than once"));
            }
            values.insert(name.into_owned(), value.into_owned());
        }
        Ok(Self(values))
    }

    /// Refuses any name but these: a filter with a slip in its name would match everything.
    pub fn only(self, known: &[&str]) -> Result<Self, Problem> {
        match self.0.keys().find(|name| !known.contains(&name.as_str())) {
            Some(unknown) => Err(bad(unknown, &format!("is unknown; known are {}", known.join(", ")))),
            None => Ok(self),
        }
    }

    /// The value of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Whether it is there and true: `?name`, `?name=true`, `?name=1`.
    pub fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.get(name) {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1" | "") => Ok(true),
            Some(_) => Err(bad(name, "must be true or false")),
        }
    }

    /// How many items are wanted.
    pub fn limit(&self) -> Result<usize, Problem> {
        let Some(text) = self.get("limit") else { return Ok(LIMIT_DEFAULT) };
        match text.parse() {
            Ok(limit @ 1..=LIMIT_MAX) => Ok(limit),
            _ => Err(bad("limit", &format!("must be a number from 1 to {LIMIT_MAX}"))),
        }
    }

    /// Where the page begins; nothing on the first.
    pub fn cursor(&self) -> Result<Option<i64>, Problem> {
        let cursor = self.get("cursor").map(str::parse).transpose();
        cursor.map_err(|_| Problem::bad_request("bad-query", "cursor is not one of ours"))
    }

    /// A count, where one is given.
    pub fn count(&self, name: &str) -> Result<Option<usize>, Problem> {
        let read = |text: &str| text.parse().map_err(|_| bad(name, "must be a number from 0 on"));
        self.get(name).map(read).transpose()
    }

    /// A moment: RFC 3339, or a number of seconds, ms or µs.
    pub fn moment(&self, name: &str) -> Result<Option<Timestamp>, Problem> {
        self.get(name).map(|text| moment(text).ok_or_else(|| bad(name, MOMENT_EXPECTED))).transpose()
    }
}

/// What a moment must look like.
pub const MOMENT_EXPECTED: &str =
    "must be an RFC 3339 time, or a number of seconds, milliseconds or microseconds";

/// Reads a moment.
pub fn moment(text: &str) -> Option<Timestamp> {
    Timestamp::parse(text).or_else(|| Timestamp::from_number(text.parse().ok()?))
}

fn bad(name: &str, what: &str) -> Problem {
    Problem::bad_request("bad-query", format!("query parameter {name:?} {what}"))
}
