//! `where`: which events of its streams a sink takes.
//!
//! ```toml
//! where = { event = ["click", "tap"], page = { prefix = "/shop" }, "/param/price" = { ">=" = 10, "<" = 100 } }
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weir_core::routing::{Comparison, Condition, Filter, Literal};

use super::place::{check_place, place};
use super::wanted::{Scalar, Test, Wanted};
use crate::config::key::Key;
use crate::config::problem::Report;

/// What is asked of which member; everything must hold.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FilterSettings(BTreeMap<String, Wanted>);

/// What is wrong with a condition, and what would do.
type Wrong = (Key, String, &'static str);

impl FilterSettings {
    /// The filter; none where nothing is asked.
    pub fn filter(&self) -> Option<Filter> {
        // What is wrong was told when the settings were checked.
        let member = |(name, wanted): (&String, &Wanted)| {
            Some((place(name)?, condition(wanted, &Key::default()).ok()?))
        };
        (!self.0.is_empty()).then(|| Filter::new(self.0.iter().filter_map(member)))
    }

    /// Whether it is left out.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn check(&self, key: &Key, report: &mut Report<'_>) {
        for (name, wanted) in &self.0 {
            let key = key.child(name);
            check_place(&key, name, report);
            if let Err((key, what, remedy)) = condition(wanted, &key) {
                report.wrong(&key, what, remedy);
            }
        }
    }
}

fn condition(wanted: &Wanted, key: &Key) -> Result<Condition, Wrong> {
    match wanted {
        Wanted::One(scalar) => Ok(Condition::OneOf(vec![literal(scalar, key)?])),
        Wanted::OneOf(scalars) => one_of(scalars, key),
        Wanted::Tests(tests) if tests.is_empty() => {
            Err((key.clone(), "asks nothing".to_owned(), "Write { not = …, prefix = …, exists = …, … }."))
        }
        Wanted::Tests(tests) => {
            let conditions = tests.iter().map(|(test, operand)| tested(*test, operand, key));
            let mut conditions = conditions.collect::<Result<Vec<_>, _>>()?;
            Ok(match conditions.len() {
                1 => conditions.remove(0),
                _ => Condition::All(conditions),
            })
        }
    }
}

fn tested(test: Test, operand: &Wanted, around: &Key) -> Result<Condition, Wrong> {
    let key = around.child(test.as_str());
    let compare = |comparison| match operand {
        Wanted::One(Scalar::Integer(_) | Scalar::Float(_)) => {
            let Wanted::One(scalar) = operand else { return Err(not_a_number(&key)) };
            number(scalar, &key).map(|number| Condition::Compare(comparison, number))
        }
        _ => Err(not_a_number(&key)),
    };
    match (test, operand) {
        (Test::Not, operand) => condition(operand, &key).map(|condition| Condition::Not(Box::new(condition))),
        (Test::In, Wanted::OneOf(scalars)) => one_of(scalars, &key),
        (Test::In, _) => Err((key, "is no list".to_owned(), "Write in = [\"a\", \"b\"].")),
        (Test::Prefix, Wanted::One(Scalar::Text(prefix))) => Ok(Condition::Prefix(prefix.clone())),
        (Test::Prefix, _) => Err((key, "is no text".to_owned(), "Write prefix = \"…\".")),
        (Test::Exists, Wanted::One(Scalar::Bool(wanted))) => Ok(Condition::Exists(*wanted)),
        (Test::Exists, _) => Err((key, "is not true or false".to_owned(), "Write exists = true.")),
        (Test::Less, _) => compare(Comparison::Less),
        (Test::AtMost, _) => compare(Comparison::AtMost),
        (Test::More, _) => compare(Comparison::More),
        (Test::AtLeast, _) => compare(Comparison::AtLeast),
    }
}

fn one_of(scalars: &[Scalar], key: &Key) -> Result<Condition, Wrong> {
    if scalars.is_empty() {
        let remedy = "Name the values that the sink takes; an empty list would take nothing.";
        return Err((key.clone(), "names no value".to_owned(), remedy));
    }
    scalars.iter().map(|scalar| literal(scalar, key)).collect::<Result<_, _>>().map(Condition::OneOf)
}

fn literal(scalar: &Scalar, key: &Key) -> Result<Literal, Wrong> {
    Ok(match scalar {
        Scalar::Text(text) => Literal::Text(text.clone()),
        Scalar::Bool(flag) => Literal::Bool(*flag),
        Scalar::Integer(_) | Scalar::Float(_) => Literal::Number(number(scalar, key)?),
    })
}

fn number(scalar: &Scalar, key: &Key) -> Result<String, Wrong> {
    match scalar {
        Scalar::Integer(number) => Ok(number.to_string()),
        Scalar::Float(number) if number.is_finite() => Ok(format!("{number:?}")),
        _ => Err(not_a_number(key)),
    }
}

fn not_a_number(key: &Key) -> Wrong {
    (key.clone(), "is no number".to_owned(), "Write a number, without quotes.")
}
