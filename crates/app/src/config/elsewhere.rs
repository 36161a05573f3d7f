//! Sinks and inputs of processes of other roles: what they need need not be here.
//!
//! **Constraint.** One file serves every role, and a secret is given to those only who use it. Whatever can be checked
//! without it is checked in every role.

use std::collections::BTreeMap;

use super::key::Key;
use super::problem::Problem;
use super::read;
use super::settings::{Roles, Settings};
use super::tree::Node;
use super::variables::Variables;

/// Their sections, with their roles.
pub struct Elsewhere(BTreeMap<Key, Roles>);

impl Elsewhere {
    /// Finds them before anything else is read. Where the roles themselves are wrong, there are none.
    pub fn of(tree: &Node, variables: &Variables) -> Self {
        let role = match tree.get(&Key::of(["role"])) {
            Some(_) => read::peek(tree, &Key::of(["role"]), variables),
            None => Some(Roles::all()),
        };
        let sections = ["sinks", "inputs"].into_iter().flat_map(|of| {
            let sections = tree.get(&Key::of([of])).and_then(Node::table).into_iter().flatten();
            sections.map(move |(name, _)| Key::of([of, name]))
        });
        let one = |section: Key| {
            let roles: Roles = read::peek(tree, &section.child("roles"), variables)?;
            let is_elsewhere = role.as_ref().is_some_and(|role| !role.meets(&roles));
            is_elsewhere.then_some((section, roles))
        };
        Self(sections.filter_map(one).collect())
    }

    /// Their sections.
    pub fn sections(&self) -> Vec<Key> {
        self.0.keys().cloned().collect()
    }

    /// Takes note of those that were left out; a warning for each.
    pub fn note(&self, left_out: Vec<(Key, Problem)>, settings: &mut Settings) -> Vec<String> {
        let mut warnings = Vec::new();
        for (section, problem) in left_out {
            let Some(roles) = self.0.get(&section) else { continue };
            warnings.push(format!(
                "`{}` {}; `{section}` is of the role {roles}, so it was not looked at further",
                problem.key, problem.what
            ));
            if let [of, name] = section.segments()
                && of == "sinks"
            {
                settings.unread_sinks.insert(name.clone(), roles.clone());
            }
        }
        warnings
    }
}
