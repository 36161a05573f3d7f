//! What is asked of one member.

use std::cmp::Ordering;
use std::fmt;

use crate::selection::{Number, Value};

/// Holds or does not, for every value there can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It is one of these.
    OneOf(Vec<Literal>),
    /// This does not hold of it; so an absent member holds where it would have to be something.
    Not(Box<Condition>),
    /// It is a text that begins so.
    Prefix(String),
    /// It is there, and not null; or is not.
    Exists(bool),
    /// It is a number that compares so with this one, written as JSON writes it.
    Compare(Comparison, String),
    /// All of these hold.
    All(Vec<Condition>),
}

/// How numbers compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
}

/// A value that a member is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// A text.
    Text(String),
    /// A number, as JSON writes it.
    Number(String),
    /// True or false.
    Bool(bool),
}

impl Condition {
    /// Whether it holds of the value.
    pub fn holds(&self, value: &Value<'_>) -> bool {
        match self {
            Self::OneOf(literals) => literals.iter().any(|literal| literal.is(value)),
            Self::Not(condition) => !condition.holds(value),
            Self::Prefix(prefix) => matches!(value, Value::Text(text) if text.starts_with(prefix.as_str())),
            Self::Exists(wanted) => (*value != Value::Null) == *wanted,
            Self::Compare(comparison, than) => match (value, Number::parse(than)) {
                (Value::Number(number), Some(than)) => comparison.holds(number.cmp(&than)),
                _ => false,
            },
            Self::All(conditions) => conditions.iter().all(|condition| condition.holds(value)),
        }
    }
}

impl Comparison {
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Less => ordering.is_lt(),
            Self::AtMost => ordering.is_le(),
            Self::More => ordering.is_gt(),
            Self::AtLeast => ordering.is_ge(),
        }
    }

    /// As settings write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
        }
    }
}

impl Literal {
    fn is(&self, value: &Value<'_>) -> bool {
        match (self, value) {
            (Self::Text(wanted), Value::Text(text)) => wanted == text,
            (Self::Number(wanted), Value::Number(number)) => Number::parse(wanted) == Some(*number),
            (Self::Bool(wanted), Value::Bool(flag)) => wanted == flag,
            _ => false,
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OneOf(literals) => list(f, "in ", literals),
            Self::Not(condition) => write!(f, "not ({condition})"),
            Self::Prefix(prefix) => write!(f, "prefix {prefix:?}"),
            Self::Exists(wanted) => write!(f, "exists {wanted}"),
            Self::Compare(comparison, than) => write!(f, "{} {than}", comparison.as_str()),
            Self::All(conditions) => list(f, "all ", conditions),
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Number(number) => f.write_str(number),
            Self::Bool(flag) => write!(f, "{flag}"),
        }
    }
}

fn list(f: &mut fmt::Formatter<'_>, word: &str, items: &[impl fmt::Display]) -> fmt::Result {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    write!(f, "{word}[{}]", items.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::value::RawValue;

    fn holds(condition: &Condition, json: &str) -> bool {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        condition.holds(&Value::of(raw).unwrap())
    }

    #[track_caller]
    fn check(condition: &Condition, holding: &[&str], not_holding: &[&str]) {
        for json in holding {
            assert!(holds(condition, json), "{condition} of {json}");
        }
        for json in not_holding {
            assert!(!holds(condition, json), "{condition} of {json}");
        }
    }

    #[test]
    fn a_value_is_compared_with_its_own_kind() {
        let text = Condition::OneOf(vec![Literal::Text("1".to_owned())]);
        check(&text, &["\"1\"", "\"\\u0031\""], &["1", "\"1 \"", "null", "[\"1\"]"]);
        let number = Condition::OneOf(vec![Literal::Number("1".to_owned())]);
        check(&number, &["1", "1.0", "10e-1"], &["\"1\"", "1.0000000000000000000001", "true"]);
        let flag = Condition::OneOf(vec![Literal::Bool(true)]);
        check(&flag, &["true"], &["false", "1", "\"true\"", "null"]);
    }

    #[test]
    fn large_numbers_are_told_apart() {
        let number = Condition::OneOf(vec![Literal::Number("9007199254740993".to_owned())]);
        check(&number, &["9007199254740993"], &["9007199254740992"]);
    }

    #[test]
    fn a_comparison_of_what_is_no_number_is_false() {
        let at_least = Condition::Compare(Comparison::AtLeast, "10".to_owned());
        let between =
            Condition::All(vec![at_least.clone(), Condition::Compare(Comparison::Less, "100".to_owned())]);
        check(&at_least, &["10", "1e1", "10.5"], &["9.99", "\"11\"", "null", "true", "[11]", "{}"]);
        check(&between, &["10", "99.999"], &["100", "1e2", "\"50\""]);
    }

    #[test]
    fn only_text_has_a_beginning_and_null_is_not_there() {
        check(
            &Condition::Prefix("/shop".to_owned()),
            &["\"/shop\"", "\"/shop/a\""],
            &["\"/sho\"", "\"x/shop\"", "null", "1"],
        );
        check(&Condition::Prefix(String::new()), &["\"\""], &["null", "{}"]);
        check(&Condition::Exists(true), &["0", "\"\"", "false", "[]"], &["null"]);
        check(&Condition::Exists(false), &["null"], &["0"]);
    }

    #[test]
    fn an_absent_member_is_not_this_value() {
        let not = Condition::Not(Box::new(Condition::OneOf(vec![Literal::Text("view".to_owned())])));
        check(&not, &["null", "\"click\"", "1"], &["\"view\""]);
    }
}
