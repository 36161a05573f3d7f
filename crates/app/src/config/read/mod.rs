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

/// What was read.
pub struct Read<T> {
    /// The settings.
    pub value: T,
    /// What kept sections from being read that this process can do without; they are not among the settings.
    pub left_out: Vec<(Key, Problem)>,
}

/// Reads the settings, or tells all that is wrong with them. A section that this process can do without is left out where
/// a secret that it names is not there.
pub fn read<T: DeserializeOwned>(
    tree: &Node,
    variables: &Variables,
    dispensable: &[Key],
) -> Result<Read<T>, ConfigError> {
    let context = Context { variables, unknown: RefCell::default() };
    let mut remaining = tree.clone();
    let (mut problems, mut left_out) = (Vec::new(), Vec::new());
    let mut result = None;
    while result.is_none() && problems.len() < PROBLEMS_MAX {
        match T::deserialize(Reader::new(remaining.clone(), Key::default(), &context)) {
            Ok(value) => result = Some(value),
            Err(failure)
                if failure.is_absent_secret
                    && let Some(section) = around(dispensable, failure.key()) =>
            {
                if !remaining.remove(section) {
                    break;
                }
                left_out.push((section.clone(), failure.into_problem()));
            }
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
        Some(value) if problems.is_empty() => Ok(Read { value, left_out }),
        _ => Err(ConfigError::new(problems)),
    }
}

/// Reads one value by itself, if it is there and nothing is wrong with it.
pub fn peek<T: DeserializeOwned>(tree: &Node, key: &Key, variables: &Variables) -> Option<T> {
    let context = Context { variables, unknown: RefCell::default() };
    T::deserialize(Reader::new(tree.get(key)?.clone(), key.clone(), &context)).ok()
}

/// The section that the key lies in.
fn around<'a>(sections: &'a [Key], key: &Key) -> Option<&'a Key> {
    sections.iter().find(|section| key.segments().starts_with(section.segments()))
}

/// Whether it only comes of a value that was wrong, and told, and is now missing.
fn follows_from(problem: &Problem, told: &[Problem]) -> bool {
    told.iter().any(|earlier| earlier.key.segments().starts_with(problem.key.segments()))
}
