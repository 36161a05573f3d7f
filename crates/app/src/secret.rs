//! A text that must not be seen: a key, a password, what tokens are signed with.
//!
//! **Constraint.** Neither `{:?}`, `{}` nor serde shows it, so it reaches no log line, metric, error or page by accident;
//! and to compare two takes as long wherever they differ.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};
use subtle::ConstantTimeEq;

/// By this name the reader of the settings knows a secret, which may be `env:NAME` or `file:/path`.
pub const NAME: &str = "Secret";

/// What is shown in a secret's stead.
pub const HIDDEN: &str = "(hidden)";

/// A key, password or signing secret.
#[derive(Clone, Default, Deserialize)]
#[serde(rename = "Secret")]
pub struct Secret(String);

impl Secret {
    /// Hides `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself; for comparing, signing and sending, never for showing.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it but white space: such a one must admit nobody.
    pub fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(HIDDEN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_shown_nowhere() {
        let secret = Secret::new("hunter2");
        let shown = format!("{secret} {secret:?} {}", serde_json::to_string(&secret).unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn a_secret_equals_none_but_the_same_text() {
        let secret = Secret::new("hunter2");
        assert_eq!(secret, Secret::new("hunter2"));
        for other in ["", "hunter", "hunter3", "hunter22"] {
            assert_ne!(secret, Secret::new(other));
        }
    }

    #[test]
    fn white_space_is_no_secret() {
        assert!(["", " ", "\t\n"].iter().all(|text| Secret::new(*text).is_blank()));
        assert!(!Secret::new(" x ").is_blank());
    }
}
