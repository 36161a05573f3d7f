//! serde's errors, with the key and the place added on their way out.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use crate::config::key::Key;
use crate::config::nearest::suggestion;
use crate::config::problem::Problem;
use crate::config::tree::{Node, Origin};

/// What is wrong with one value. The innermost reader that sees it says where.
#[derive(Debug)]
pub struct Failure {
    place: Option<(Key, Origin)>,
    what: String,
    remedy: Box<str>,
    /// A member that is not there.
    missing: Option<&'static str>,
    /// Whether it is a secret that is named and is not there.
    pub is_absent_secret: bool,
}

impl Failure {
    /// A failure that says what to do.
    pub fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        let remedy = remedy.into().into_boxed_str();
        Self { place: None, what: what.into(), remedy, missing: None, is_absent_secret: false }
    }

    /// A secret that is named is not there.
    pub fn absent_secret(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { is_absent_secret: true, ..Self::new(what, remedy) }
    }

    /// The value is of another kind.
    pub fn kind(node: &Node, expected: &dyn fmt::Display) -> Self {
        Self::new(format!("is {}, not {expected}", node.value.kind()), format!("Write {expected}."))
    }

    /// The word is none of those that are known.
    pub fn word(word: &str, known: &[&str]) -> Self {
        Self::new(format!("cannot be {word:?}"), suggestion(word, known))
    }

    /// Adds the place, unless one nearer to the fault has.
    pub fn at(mut self, key: &Key, origin: &Origin) -> Self {
        self.place.get_or_insert_with(|| (key.clone(), origin.clone()));
        self
    }

    /// The value to take out so that reading can go on; for a member that is missing, the section around it.
    pub fn key(&self) -> &Key {
        static ROOT: std::sync::LazyLock<Key> = std::sync::LazyLock::new(Key::default);
        self.place.as_ref().map_or(&ROOT, |(key, _)| key)
    }

    /// For the report.
    pub fn into_problem(self) -> Problem {
        let (key, origin) = self.place.map_or((Key::default(), None), |(key, origin)| (key, Some(origin)));
        let key = self.missing.map_or(key.clone(), |member| key.child(member));
        let origin = origin.filter(|origin| *origin != Origin::BuiltIn);
        Problem { key, origin, what: self.what, remedy: self.remedy.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Failure {}

// None of these may repeat the value: it may be a secret.
impl de::Error for Failure {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let message = message.to_string();
        match message.split_once(REMEDY) {
            Some((what, remedy)) => Self::new(what, remedy),
            None => Self::new(message, ""),
        }
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let kind = match unexpected {
            Unexpected::Bool(_) => "true or false",
            Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
            Unexpected::Seq => "a list",
            Unexpected::Map => "a section",
            _ => "a text",
        };
        Self::new(format!("is {kind}, not {expected}"), format!("Write {expected}."))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = match expected.to_string().as_str() {
            "u16" => "a whole number from 0 to 65535".to_owned(),
            "usize" | "u64" | "u32" => "a whole number from 0 up".to_owned(),
            other => other.to_owned(),
        };
        Self::new(format!("is not {expected}"), format!("Write {expected}."))
    }

    fn missing_field(field: &'static str) -> Self {
        let mut failure = Self::new("is missing", format!("Add {field} = … to this section."));
        failure.missing = Some(field);
        failure
    }
}

/// Parts a message of a value's own reading into what is wrong and what to do.
const REMEDY: char = '\u{1}';

/// A message for [`de::Error::custom`] that says what to do, too.
pub fn with_remedy(what: &str, remedy: &str) -> String {
    format!("{what}{REMEDY}{remedy}")
}
