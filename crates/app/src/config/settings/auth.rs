//! `[auth]`: who is let in.

use serde::{Deserialize, Serialize};

use crate::config::key::Key;
use crate::config::problem::Report;
use crate::secret::Secret;

/// The shortest secret that HS256 is meant to be used with (RFC 7518, section 3.2).
const JWT_SECRET_MIN_BYTES: usize = 32;

/// Keys and the secret that tokens are signed with. With neither, a key is made at the first start.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AuthSettings {
    /// Static keys. Never one that is blank.
    pub api_keys: Vec<ApiKey>,
    /// Tokens signed with this (HS256) are let in. Never blank.
    pub jwt_secret: Option<Secret>,
}

/// A static key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApiKey {
    /// What logs and events call whoever has it.
    pub name: String,
    /// The key itself.
    pub key: Secret,
}

impl AuthSettings {
    /// Whether nobody could be let in, so that a key has to be made.
    pub fn is_empty(&self) -> bool {
        self.api_keys.is_empty() && self.jwt_secret.is_none()
    }

    pub(super) fn check(&mut self, report: &mut Report<'_>) {
        self.check_names(report);
        self.drop_blank(report);
        let key = Key::of(["auth", "jwt_secret"]);
        if self.jwt_secret.as_ref().is_some_and(|secret| secret.expose().len() < JWT_SECRET_MIN_BYTES) {
            report.warn(
                &key,
                "is shorter than 32 bytes: it can be guessed. `openssl rand -base64 32` makes a good one",
            );
        }
    }

    fn check_names(&self, report: &mut Report<'_>) {
        for (index, api_key) in self.api_keys.iter().enumerate() {
            let key = Key::of(["auth", "api_keys"]).item(index).child("name");
            if !super::is_word(&api_key.name) {
                report.wrong(&key, "is not a plain word", "Use 1 to 64 of a-z A-Z 0-9 _ - .");
            }
            if self.api_keys[..index].iter().any(|earlier| earlier.name == api_key.name) {
                let what = format!("is taken by another key: {:?}", api_key.name);
                report.wrong(&key, what, "Give each key a name of its own; API_KEY is called \"default\".");
            }
        }
    }

    fn drop_blank(&mut self, report: &mut Report<'_>) {
        for (index, _) in self.api_keys.iter().enumerate().filter(|(_, api_key)| api_key.key.is_blank()) {
            let key = Key::of(["auth", "api_keys"]).item(index).child("key");
            report.warn(&key, "is empty and counts as not set: it admits nobody");
        }
        self.api_keys.retain(|api_key| !api_key.key.is_blank());
        if self.jwt_secret.as_ref().is_some_and(Secret::is_blank) {
            self.jwt_secret = None;
            report.warn(&Key::of(["auth", "jwt_secret"]), "is empty and counts as not set: it admits nobody");
        }
    }
}
