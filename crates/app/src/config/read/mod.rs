//! From the tree to typed settings, telling every problem by key and place.
//!
//! serde stops at the first thing that is wrong. So that one start tells all, the wrong value is taken out of the
//! tree and reading begins again, until nothing wrong is left; its result counts only if there was nothing at all.

mod access;
mod failure;
mod reader;

use std::cell::RefCell;

use serde::de::DeserializeOwned;

use super::key::Key;
use super::problem::{ConfigError, Problem};
use super::tree::Node;
use super::variables::Variables;
pub(super) use failure::{Failure, with_remedy};
use reader::Reader;

/// The name of a member that stands for all those of its section that the struct does not name itself; they are read
/// as if they stood there. serde's own `flatten` would lose where each was written.
pub(super) const REST: &str = "..";

/// More problems than this are not told at once.
const PROBLEMS_MAX: usize = 100;

/// What all readers of one tree share.
struct Context<'a> {
    variables: &'a Variables,
    unknown: RefCell<Vec<Problem>>,
}

/// Reads the settings, or tells all that is wrong with them.
pub fn read<T: DeserializeOwned>(tree: &Node, variables: &Variables) -> Result<T, ConfigError> {
    let context = Context { variables, unknown: RefCell::default() };
    let mut remaining = tree.clone();
    let mut problems = Vec::new();
    let mut result = None;
    while result.is_none() && problems.len() < PROBLEMS_MAX {
        match T::deserialize(Reader::new(remaining.clone(), Key::default(), &context)) {
            Ok(value) => result = Some(value),
            Err(failure) => {
                let removed = remaining.remove(&failure.key().outside_lists());
                let problem = failure.into_problem();
                if !follows_from(&problem, &problems) {
                    problems.push(problem);
                }
                if !removed {
                    break;
                }
            }
        }
    }
    for problem in context.unknown.into_inner() {
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    match result {
        Some(value) if problems.is_empty() => Ok(value),
        _ => Err(ConfigError::new(problems)),
    }
}

/// Whether it only comes of a value that was wrong, and told, and is now missing.
fn follows_from(problem: &Problem, told: &[Problem]) -> bool {
    told.iter().any(|earlier| earlier.key.segments().starts_with(problem.key.segments()))
}
