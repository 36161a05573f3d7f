//! What is wrong with the settings: each problem names the key, where it was written, and what to do.

use std::fmt;

use super::key::Key;
use super::tree::{Node, Origin};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The setting; the root where it concerns a whole file.
    pub key: Key,
    /// Where it was written, where it was.
    pub origin: Option<Origin>,
    /// What is wrong, as the rest of a sentence that begins with the key.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin {
            write!(f, "{origin}: ")?;
        }
        if !self.key.segments().is_empty() {
            write!(f, "`{}` ", self.key)?;
        }
        f.write_str(&self.what)?;
        if !self.remedy.is_empty() {
            write!(f, "\n    {}", self.remedy)?;
        }
        Ok(())
    }
}

/// All that is wrong, in the order of the files.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", listed(.0))]
pub struct ConfigError(pub Vec<Problem>);

impl ConfigError {
    /// The problems, sorted by where they are.
    pub fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| match &problem.origin {
            Some(Origin::File { line, .. }) => (0, *line),
            Some(Origin::DotEnv { line, .. }) => (1, *line),
            _ => (2, 0),
        });
        Self(problems)
    }
}

impl From<Problem> for ConfigError {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

fn listed(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// Gathers what the checks find, and looks up where each setting was written.
pub struct Report<'a> {
    tree: &'a Node,
    /// Whether what is looked at now is used by processes of other roles only.
    pub is_elsewhere: bool,
    /// What keeps Weir from starting.
    pub problems: Vec<Problem>,
    /// What does not, but should be known.
    pub warnings: Vec<String>,
}

impl<'a> Report<'a> {
    /// An empty one over these settings.
    pub fn new(tree: &'a Node) -> Self {
        Self { tree, is_elsewhere: false, problems: Vec::new(), warnings: Vec::new() }
    }

    /// The value at `key` is wrong.
    pub fn wrong(&mut self, key: &Key, what: impl Into<String>, remedy: impl Into<String>) {
        let origin = self.written_at(key);
        self.problems.push(Problem { key: key.clone(), origin, what: what.into(), remedy: remedy.into() });
    }

    /// Where the value was written, or what is around it where the value itself is a default.
    fn written_at(&self, key: &Key) -> Option<Origin> {
        let mut key = key.clone();
        while !key.segments().is_empty() {
            match self.tree.origin_of(&key) {
                Origin::BuiltIn => key = key.parent(),
                origin => return Some(origin),
            }
        }
        None
    }

    /// The value at `key` works, but.
    pub fn warn(&mut self, key: &Key, what: &str) {
        let origin = self.tree.origin_of(key);
        self.warnings.push(format!("`{key}` ({origin}) {what}"));
    }

    /// The value at `key` must not be zero.
    pub fn not_zero(&mut self, key: &Key, zero: bool) {
        if zero {
            self.wrong(key, "is zero", "Write a value above zero; to have the default, leave the key out.");
        }
    }
}
