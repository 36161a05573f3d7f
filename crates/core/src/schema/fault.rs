//! What is wrong with a member, and where it stands.
//!
//! **Constraint.** However many members are wrong, and whatever they are called, what is told of them stays short.

use serde::Serialize;

use crate::formats::Fault;

/// The most faults that are told of one event.
pub const FAULTS_MAX: usize = 100;
/// Longer words of a client are cut.
const QUOTED_MAX_BYTES: usize = 100;
const PATH_MAX_BYTES: usize = 400;

/// What is wrong with one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MemberFault {
    /// Where it stands, as a JSON pointer (RFC 6901); empty for the whole.
    pub path: String,
    /// What is wrong and what is expected.
    pub detail: String,
}

impl MemberFault {
    pub(super) fn at(path: &Path<'_>, detail: impl Into<String>) -> Self {
        Self { path: path.text(), detail: detail.into() }
    }

    /// The faults of an event in a batch, where each event has one line.
    pub fn in_one(faults: &[Self]) -> Fault {
        let line = |fault: &Self| match fault.path.as_str() {
            "" => fault.detail.clone(),
            path => format!("{path} {}", fault.detail),
        };
        let told: Vec<String> = faults.iter().take(5).map(line).collect();
        let more = match faults.len() - told.len() {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        Fault::new("schema", told.join("; ") + &more)
    }
}

/// Faults as they are found; those beyond [`FAULTS_MAX`] are not kept.
#[derive(Default)]
pub(super) struct Faults(Vec<MemberFault>);

impl Faults {
    pub fn add(&mut self, path: &Path<'_>, detail: impl Into<String>) {
        if self.0.len() < FAULTS_MAX {
            self.0.push(MemberFault::at(path, detail));
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn into_vec(self) -> Vec<MemberFault> {
        self.0
    }
}

/// The way to a member; it lies on the stack, and becomes text only where something is wrong.
pub(super) struct Path<'a> {
    above: Option<&'a Path<'a>>,
    step: Step<'a>,
}

enum Step<'a> {
    Beginning(&'static str),
    Member(&'a str),
    Item(usize),
}

impl<'a> Path<'a> {
    /// A beginning: empty, or a pointer that ends without a slash.
    pub fn beginning(pointer: &'static str) -> Self {
        Self { above: None, step: Step::Beginning(pointer) }
    }

    pub fn member(&'a self, name: &'a str) -> Self {
        Self { above: Some(self), step: Step::Member(name) }
    }

    pub fn item(&'a self, index: usize) -> Self {
        Self { above: Some(self), step: Step::Item(index) }
    }

    fn text(&self) -> String {
        let mut text = self.above.map(Path::text).unwrap_or_default();
        match self.step {
            Step::Beginning(pointer) => text.push_str(pointer),
            Step::Member(name) => text = text + "/" + &shortened(name).replace('~', "~0").replace('/', "~1"),
            Step::Item(index) => text = text + "/" + &index.to_string(),
        }
        text.truncate(text.floor_char_boundary(PATH_MAX_BYTES));
        text
    }
}

/// A word of the client's in quotation marks.
pub(super) fn quoted(word: &str) -> String {
    format!("{:?}", shortened(word))
}

fn shortened(word: &str) -> String {
    match word.floor_char_boundary(QUOTED_MAX_BYTES) {
        end if end < word.len() => format!("{}…", &word[..end]),
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_json_pointer() {
        let data = Path::beginning("/data");
        let list = data.member("a/b~c");
        assert_eq!(list.item(3).text(), "/data/a~1b~0c/3");
        assert_eq!(Path::beginning("").text(), "");
    }

    #[test]
    fn what_is_told_stays_short() {
        let long = "é".repeat(100_000);
        let (root, mut faults) = (Path::beginning(""), Faults::default());
        let path = root.member(&long);
        for _ in 0..1_000 {
            faults.add(&path.member(&long).member(&long).member(&long).member(&long), quoted(&long));
        }
        let told: usize = faults.0.iter().map(|fault| fault.path.len() + fault.detail.len()).sum();
        assert_eq!(faults.0.len(), FAULTS_MAX);
        assert!(told < FAULTS_MAX * 1_000, "{told}");
        assert!(MemberFault::in_one(&faults.0).detail.ends_with("; and 95 more"));
    }
}
