//! `[store]`: the address `/store`; `[schemas]`: the event types that it knows.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ServerSettings;
use crate::config::key::Key;
use crate::config::problem::Report;

/// Where `/store` is, beside the main port, and who may send without a key.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StoreSettings {
    /// A port of its own, on the main port's address.
    pub port: Option<u16>,
    /// Who needs a key or token.
    pub token: StoreToken,
}

/// Who needs a key or token for `/store`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreToken {
    /// Everybody but programs of this machine, where no other machine is let in.
    #[default]
    Loopback,
    /// Everybody.
    Required,
    /// Nobody.
    None,
}

/// Where the event types come from.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct SchemasSettings {
    /// The folder of `.proto` files; one that is not there has no event types.
    pub dir: PathBuf,
}

impl Default for SchemasSettings {
    fn default() -> Self {
        Self { dir: "schemas".into() }
    }
}

impl StoreSettings {
    pub(super) fn check(&self, server: &ServerSettings, report: &mut Report<'_>) {
        let key = |name: &str| Key::of(["store", name]);
        if self.port.is_some_and(|port| port == server.port && port != 0) {
            let remedy = "Choose another port, or leave it out: /store is on the main port in any case.";
            report.wrong(&key("port"), "is the main port", remedy);
        }
        if self.token == StoreToken::None && !server.is_local() {
            report.warn(&key("token"), "is \"none\": whoever reaches this server may send events to /store");
        }
    }
}

impl SchemasSettings {
    pub(super) fn check(&self, report: &mut Report<'_>) {
        let key = Key::of(["schemas", "dir"]);
        if self.dir.as_os_str().is_empty() {
            report.wrong(&key, "is empty", "Name a folder, such as \"schemas\".");
        } else if self.dir.exists() && !self.dir.is_dir() {
            let what = format!("is no folder: {}", self.dir.display());
            report.wrong(&key, what, "Name the folder that the .proto files lie in.");
        }
    }
}
