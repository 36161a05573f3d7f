//! `role`: what this process does of all that Weir does. `roles` of a sink: which processes bring it its events.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

use super::Settings;
use crate::config::key::Key;
use crate::config::nearest::suggestion;
use crate::config::problem::Report;
use crate::config::read::with_remedy;

/// The word for every role.
const ALL: &str = "all";
const NAMES: [(&str, Role); 3] = [("api", Role::Api), ("loader", Role::Loader), ("jobs", Role::Jobs)];

/// A part of the work that a process may have for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Takes events in over HTTP, and hands them on to brokers.
    Api,
    /// Brings to stores what brokers hold.
    Loader,
    /// Works in batches on what is stored.
    Jobs,
}

/// Some of the roles, or all of them; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles(BTreeSet<Role>);

impl Default for Roles {
    fn default() -> Self {
        Self::all()
    }
}

impl From<Role> for Roles {
    fn from(role: Role) -> Self {
        Self(BTreeSet::from([role]))
    }
}

impl Roles {
    /// Every role.
    pub fn all() -> Self {
        Self(NAMES.iter().map(|(_, role)| *role).collect())
    }

    /// Whether the role is among them.
    pub fn contains(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    /// Whether what belongs to `others` belongs to these.
    pub fn meets(&self, others: &Self) -> bool {
        !self.0.is_disjoint(&others.0)
    }

    /// As somebody would write them.
    pub fn words(&self) -> Vec<&'static str> {
        match self.0.len() == NAMES.len() {
            true => vec![ALL],
            false => NAMES.iter().filter(|(_, role)| self.contains(*role)).map(|(name, _)| *name).collect(),
        }
    }

    fn of<E: Error>(words: &[&str]) -> Result<Self, E> {
        let mut roles = BTreeSet::new();
        for word in words {
            match NAMES.iter().find(|(name, _)| name == word) {
                Some((_, role)) => drop(roles.insert(*role)),
                None if *word == ALL => roles.extend(Self::all().0),
                None => {
                    let known: Vec<&str> =
                        std::iter::once(ALL).chain(NAMES.iter().map(|(name, _)| *name)).collect();
                    return Err(E::custom(with_remedy(
                        &format!("cannot be {word:?}"),
                        &suggestion(word, &known),
                    )));
                }
            }
        }
        match roles.is_empty() {
            true => Err(E::custom(with_remedy("names no role", "Leave it out, or name some."))),
            false => Ok(Self(roles)),
        }
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().join(", "))
    }
}

impl Serialize for Roles {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.words().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Roles {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading;
        impl<'de> Visitor<'de> for Reading {
            type Value = Roles;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a role, or a list of them")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Roles, E> {
                let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
                Roles::of(&words.collect::<Vec<_>>())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Roles, A::Error> {
                let mut words = Vec::new();
                while let Some(word) = items.next_element::<String>()? {
                    words.push(word);
                }
                Roles::of(&words.iter().map(String::as_str).collect::<Vec<_>>())
            }
        }
        deserializer.deserialize_any(Reading)
    }
}

/// Events that are taken in and go nowhere would fill the log, and nobody would miss them.
pub(super) fn check(settings: &Settings, report: &mut Report<'_>) {
    let sinks: Vec<String> =
        settings.sinks_elsewhere().map(|(name, roles)| format!("`{name}` is of {roles}")).collect();
    if settings.takes_events() && settings.sinks_here().next().is_none() && !sinks.is_empty() {
        let role = &settings.role;
        report.wrong(
            &Key::of(["role"]),
            format!("is {role}, which takes events in, and no sink is of that role: they would go nowhere"),
            format!(
                "Add a sink that hands events on to a broker, or say roles = [\"api\"] in the section of one that is there: {}.",
                sinks.join(", ")
            ),
        );
    }
}
