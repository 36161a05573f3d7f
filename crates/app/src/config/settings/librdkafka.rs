//! `[….kafka]`: librdkafka's own settings, by its own names.
//!
//! ```toml
//! kafka = { "linger.ms" = 5, "sasl.password" = "env:KAFKA_PASSWORD" }
//! ```
//!
//! **Constraint.** Every value may be `env:NAME` or `file:/path`; those that hold secrets are shown nowhere.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

use crate::config::key::Key;
use crate::config::problem::Report;
use crate::secret::HIDDEN;

/// Whether this program can speak to Kafka.
const IS_BUILT_IN: bool = cfg!(feature = "kafka");

/// What the name of a setting has in it whose value is a secret.
const SECRET: [&str; 5] = ["password", "secret", "key.pem", "oauthbearer.config", "jaas"];

/// The settings, by name. Where dots are not to be had, as in a variable's name, underscores stand for them.
#[derive(Clone, Default, Deserialize)]
#[serde(from = "BTreeMap<String, Loose>")]
pub struct LibrdkafkaSettings(BTreeMap<String, String>);

/// A number, a truth value or a text, as text.
#[derive(Deserialize)]
#[serde(rename = "Loose")]
struct Loose(String);

/// By this name the reader of the settings knows such a value.
pub const LOOSE: &str = "Loose";

impl LibrdkafkaSettings {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// By librdkafka's names.
    pub fn values(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    /// One of them.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Whether a password is among them.
    pub fn has_secret(&self) -> bool {
        self.0.keys().any(|name| is_secret(name))
    }

    /// Whether the brokers are spoken to over TLS; what is said here goes before a section `tls`.
    pub fn is_encrypted(&self, has_tls: bool) -> bool {
        let protocol = self.get("security.protocol").map(str::to_ascii_lowercase);
        protocol.map_or(has_tls, |protocol| protocol.ends_with("ssl"))
    }

    /// Tells that this program has no librdkafka, where it has none.
    pub fn check_built_in(key: &Key, report: &mut Report<'_>) {
        check_built_in(IS_BUILT_IN, key, report);
    }

    fn shown(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), if is_secret(name) { HIDDEN } else { value }))
    }
}

fn check_built_in(is_built_in: bool, key: &Key, report: &mut Report<'_>) {
    if !is_built_in {
        let what = "is \"kafka\", which this program was built without";
        let remedy = "Build it with `cargo build --release --features kafka-tls` (that needs a C++ compiler and \
                      OpenSSL's headers: apt-get install g++ libssl-dev pkg-config), or take the container image.";
        report.wrong(&key.child("type"), what, remedy);
    }
}

fn is_secret(name: &str) -> bool {
    SECRET.iter().any(|part| name.contains(part))
}

impl From<BTreeMap<String, Loose>> for LibrdkafkaSettings {
    fn from(read: BTreeMap<String, Loose>) -> Self {
        Self(read.into_iter().map(|(name, Loose(value))| (name.replace('_', "."), value)).collect())
    }
}

impl std::fmt::Debug for LibrdkafkaSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.shown()).finish()
    }
}

impl Serialize for LibrdkafkaSettings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.shown())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tree::{Node, Origin};

    #[test]
    fn a_program_without_kafka_says_so_and_how_to_get_it() {
        let tree = Node::section(Origin::BuiltIn);
        for of in ["inputs", "sinks"] {
            let problems = |is_built_in| {
                let mut report = Report::new(&tree);
                check_built_in(is_built_in, &Key::of([of, "bus"]), &mut report);
                report.problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
            };
            assert_eq!(problems(true), "");
            let told = problems(false);
            assert!(
                told.contains(&format!("{of}.bus.type")) && told.contains("--features kafka-tls"),
                "{told}"
            );
        }
    }
}
