//! A real Redis, started by the project's own script and asked by `redis-cli`.

use std::ops::{Deref, DerefMut};
use std::process::Command;

use serde_json::Value;

use crate::service::Service;

pub struct Server(Service);

impl Server {
    /// `None`, and noted as skipped, where none can be had.
    #[track_caller]
    pub fn start(suite: &str, options: &[&str]) -> Option<Self> {
        Service::start_with("redis", suite, options).map(Self)
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port())
    }

    /// What it answers, as JSON.
    #[track_caller]
    pub fn ask(&self, words: &[&str]) -> Value {
        let mut command = Command::new("redis-cli");
        command.args(["-h", "127.0.0.1", "-p", &self.port().to_string(), "--json"]);
        let output = command.args(words).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && !said.contains("ERR"), "{words:?}: {said}");
        serde_json::from_str(&said).unwrap_or(Value::String(said))
    }

    /// The entries of a stream, each as its fields and their values, one after the other.
    #[track_caller]
    pub fn entries(&self, key: &str) -> Vec<Vec<String>> {
        let answer = self.ask(&["XRANGE", key, "-", "+"]);
        let fields = |entry: &Value| serde_json::from_value(entry[1].clone()).unwrap();
        answer.as_array().unwrap().iter().map(fields).collect()
    }
}

impl Deref for Server {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.0
    }
}

impl DerefMut for Server {
    fn deref_mut(&mut self) -> &mut Service {
        &mut self.0
    }
}
