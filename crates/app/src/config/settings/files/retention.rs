//! `[files.retention]`: how long files are kept, all of them, those of a group, those of a user.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use weir_core::files::{Owner, RetentionLimits, RetentionRule};

use crate::config::key::Key;
use crate::config::problem::Report;
use crate::config::{duration, size};

/// Limits for all files, and for those of some groups and users. Without any, files are kept for ever.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct RetentionSettings {
    /// Bytes of all files.
    #[serde(with = "size::optional")]
    pub max_bytes: Option<u64>,
    /// How many.
    pub max_count: Option<u64>,
    /// How old one may be.
    #[serde(with = "duration::optional")]
    pub max_age: Option<Duration>,
    /// What is younger stays, whatever the other limits say.
    #[serde(with = "duration")]
    pub min_age: Duration,
    /// How often it is looked for what has to go.
    #[serde(with = "duration")]
    pub interval: Duration,
    /// Limits for the files of a group, by its name.
    pub groups: BTreeMap<String, OwnerSettings>,
    /// Limits for the files of a user, by name.
    pub users: BTreeMap<String, OwnerSettings>,
}

/// Limits for somebody's files.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OwnerSettings {
    /// Bytes of them all.
    #[serde(with = "size::optional")]
    pub max_bytes: Option<u64>,
    /// How many.
    pub max_count: Option<u64>,
    /// How old one may be.
    #[serde(with = "duration::optional")]
    pub max_age: Option<Duration>,
    /// What is younger stays; as for all files when absent.
    #[serde(with = "duration::optional")]
    pub min_age: Option<Duration>,
}

impl Default for RetentionSettings {
    fn default() -> Self {
        Self {
            max_bytes: None,
            max_count: None,
            max_age: None,
            min_age: Duration::from_secs(3_600),
            interval: Duration::from_secs(60),
            groups: BTreeMap::new(),
            users: BTreeMap::new(),
        }
    }
}

impl RetentionSettings {
    /// The rules, the narrower ones first.
    pub fn rules(&self) -> Vec<RetentionRule> {
        let groups =
            self.groups.iter().map(|(name, own)| ("groups", Owner::Group(name.as_str().into()), name, own));
        let users =
            self.users.iter().map(|(name, own)| ("users", Owner::User(name.as_str().into()), name, own));
        let narrow = groups.chain(users).map(|(kind, owner, name, own)| RetentionRule {
            name: format!("files.retention.{kind}.{name}").into(),
            owner,
            limits: RetentionLimits {
                max_bytes: own.max_bytes,
                max_count: own.max_count,
                max_age: own.max_age,
                min_age: own.min_age.unwrap_or(self.min_age),
            },
        });
        let Self { max_bytes, max_count, max_age, min_age, .. } = *self;
        let limits = RetentionLimits { max_bytes, max_count, max_age, min_age };
        let all = RetentionRule { name: "files.retention".into(), owner: Owner::All, limits };
        narrow.chain([all]).filter(|rule| has_limit(&rule.limits)).collect()
    }

    pub(super) fn check(&self, report: &mut Report<'_>) {
        let key = Key::of(["files", "retention"]);
        report.not_zero(&key.child("interval"), self.interval.is_zero());
        if self.max_age.is_some_and(|age| age < self.min_age) {
            report.wrong(&key.child("max_age"), "is less than `min_age`", "Raise it, or lower `min_age`.");
        }
    }
}

fn has_limit(limits: &RetentionLimits) -> bool {
    limits.max_bytes.is_some() || limits.max_count.is_some() || limits.max_age.is_some()
}
