//! A real Redis, started by the project's own script and read by `redis-cli`.

use std::ops::{Deref, DerefMut};
use std::process::Command;

use serde_json::Value;

use super::service::Service;

/// The server; its data outlives a restart.
pub struct Redis(Service);

impl Redis {
    /// `None`, and noted as skipped for this suite, where none can be had.
    #[track_caller]
    pub fn start(suite: &str) -> Option<Self> {
        Service::start_with("redis", suite, &["--password"]).map(Self)
    }

    /// Its address, with user and password.
    pub fn url(&self) -> String {
        format!("redis://weir:weir-password@127.0.0.1:{}", self.port())
    }

    /// What it answers, as JSON.
    #[track_caller]
    pub fn ask(&self, words: &[&str]) -> Value {
        let output =
            Command::new("redis-cli").args(["-u", &self.url(), "--json"]).args(words).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && !said.contains("ERR"), "{words:?}: {said}");
        serde_json::from_str(&said).unwrap()
    }

    /// What the field `event` of each of the stream's entries holds.
    #[track_caller]
    pub fn events(&self, key: &str) -> Vec<Value> {
        let entries = self.ask(&["XRANGE", key, "-", "+"]);
        let event = |entry: &Value| serde_json::from_str(entry[1][3].as_str().unwrap()).unwrap();
        entries.as_array().unwrap().iter().map(event).collect()
    }
}

impl Deref for Redis {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.0
    }
}

impl DerefMut for Redis {
    fn deref_mut(&mut self) -> &mut Service {
        &mut self.0
    }
}
