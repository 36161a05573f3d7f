//! `where`: which events of its streams a sink takes.
//!
//! **Constraint.** A filter looks at an event and at nothing else, so it says the same of it at every time and after
//! every restart. Null counts as absent; numbers are compared exactly, whatever their length.

mod condition;

pub use condition::{Comparison, Condition, Literal};

use crate::event::Record;
use crate::selection::{Selection, Source, Value};

/// A sink's filter: every member must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    selection: Selection,
    conditions: Vec<Condition>,
    text: String,
}

impl Filter {
    /// The filter of these members, in whatever order.
    pub fn new(members: impl IntoIterator<Item = (Source, Condition)>) -> Self {
        let mut members: Vec<(Source, Condition)> = members.into_iter().collect();
        members.sort_by(|(left, _), (right, _)| left.as_str().cmp(right.as_str()));
        let text = members.iter().map(|(source, condition)| format!("{:?}: {condition}", source.as_str()));
        let text = text.collect::<Vec<_>>().join(", ");
        let (sources, conditions) = members.into_iter().unzip();
        Self { selection: Selection::new(sources), conditions, text }
    }

    /// Whether the sink takes the event. One that cannot be read has no members.
    pub fn holds(&self, record: &Record) -> bool {
        let values = self.selection.read(record);
        let values = values.unwrap_or_else(|_| vec![Value::Null; self.conditions.len()]);
        self.conditions.iter().zip(&values).all(|(condition, value)| condition.holds(value))
    }

    /// The same text for the same filter.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::record;
    use proptest::prelude::*;

    fn record_of(body: &str) -> Record {
        let mut record = record(1, "events", 0);
        record.event.body = body.to_owned().into();
        record
    }

    fn filter(members: &[(&str, Condition)]) -> Filter {
        Filter::new(members.iter().map(|(name, condition)| (Source::parse(name).unwrap(), condition.clone())))
    }

    fn is(literals: &[&str]) -> Condition {
        Condition::OneOf(literals.iter().map(|text| Literal::Text((*text).to_owned())).collect())
    }

    fn compare(comparison: Comparison, number: &str) -> Condition {
        Condition::Compare(comparison, number.to_owned())
    }

    #[test]
    fn all_members_must_hold() {
        let both = filter(&[("event", is(&["click", "tap"])), ("/param/a", is(&["x"]))]);
        assert!(both.holds(&record_of(r#"{"event":"tap","param":{"a":"x"}}"#)));
        assert!(!both.holds(&record_of(r#"{"event":"tap","param":{"a":"y"}}"#)));
        assert!(!both.holds(&record_of(r#"{"event":"view","param":{"a":"x"}}"#)));
        assert!(!both.holds(&record_of("{}")));
        assert!(filter(&[]).holds(&record_of("{}")));
    }

    #[test]
    fn what_cannot_be_read_has_no_members() {
        assert!(!filter(&[("event", is(&["click"]))]).holds(&record_of("nonsense")));
        assert!(filter(&[("event", Condition::Exists(false))]).holds(&record_of("nonsense")));
    }

    #[test]
    fn the_order_of_members_is_of_no_account() {
        let (one, other) = (("a", is(&["1"])), ("b", Condition::Exists(true)));
        assert_eq!(filter(&[one.clone(), other.clone()]), filter(&[other, one]));
    }

    proptest! {
        #[test]
        fn comparing_agrees_with_whole_numbers(value: i128, than: i128, zeros in 0_usize..3) {
            let body = format!(r#"{{"n":{value}.{}}}"#, "0".repeat(zeros + 1));
            let holds = |comparison| filter(&[("n", compare(comparison, &than.to_string()))]).holds(&record_of(&body));
            prop_assert_eq!(holds(Comparison::Less), value < than);
            prop_assert_eq!(holds(Comparison::AtMost), value <= than);
            prop_assert_eq!(holds(Comparison::More), value > than);
            prop_assert_eq!(holds(Comparison::AtLeast), value >= than);
        }

        #[test]
        fn not_is_the_opposite_whatever_the_event(body in r#"\{("a":("x"|"xy"|1|1\.0|null|true|\{\}))?\}"#, number in 0_i32..3) {
            let record = record_of(&body);
            for condition in [
                is(&["x"]),
                Condition::OneOf(vec![Literal::Number(number.to_string()), Literal::Bool(true)]),
                Condition::Prefix("x".to_owned()),
                Condition::Exists(true),
                compare(Comparison::AtLeast, &number.to_string()),
            ] {
                let not = Condition::Not(Box::new(condition.clone()));
                prop_assert_ne!(filter(&[("a", condition)]).holds(&record), filter(&[("a", not)]).holds(&record));
            }
        }

        #[test]
        fn one_of_is_the_same_as_any_of_them_alone(value in "[a-c]{0,2}", wanted in prop::collection::vec("[a-c]{0,2}", 1..4)) {
            let record = record_of(&format!(r#"{{"a":"{value}"}}"#));
            let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
            let alone = wanted.iter().any(|one| filter(&[("a", is(&[one]))]).holds(&record));
            prop_assert_eq!(filter(&[("a", is(&wanted))]).holds(&record), alone);
            prop_assert_eq!(alone, wanted.contains(&value.as_str()));
        }
    }
}
