//! A real OpenSearch node, started by the project's own script.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Client, free_port, skipped};

const UNAVAILABLE: i32 = 77;

/// The node, running unless it was ended; its data outlives a restart.
pub struct OpenSearch {
    directory: TempDir,
    port: u16,
    id: Option<i32>,
}

impl OpenSearch {
    /// `None`, and noted as skipped for this suite, where none can be had.
    #[track_caller]
    pub fn start(suite: &str) -> Option<Self> {
        let unavailable = repository().join(".services/unavailable/opensearch");
        if let Ok(reason) = fs::read_to_string(unavailable) {
            skipped(suite, &reason);
            return None;
        }
        let mut node = Self { directory: TempDir::new().unwrap(), port: free_port(), id: None };
        match node.launch() {
            Ok(()) => Some(node),
            Err(reason) => {
                skipped(suite, &reason);
                None
            }
        }
    }

    /// Starts it (again) and waits until it answers; an error where this machine cannot have it.
    fn launch(&mut self) -> Result<(), String> {
        let script = repository().join("scripts/services/opensearch");
        let mut command = Command::new(script);
        command.arg("start").arg(self.directory.path()).arg(self.port.to_string());
        let output = command.env("WEIR_SERVICE_OWNER", std::process::id().to_string()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.code() == Some(UNAVAILABLE) {
            return Err(said);
        }
        assert!(output.status.success(), "OpenSearch did not start: {said}");
        self.id = Some(String::from_utf8(output.stdout).unwrap().trim().parse().unwrap());
        Ok(())
    }

    pub fn restart(&mut self) {
        self.launch().unwrap();
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    fn signal(&self, signal: Signal) {
        let id = Pid::from_raw(self.id.expect("it runs")).unwrap();
        kill_process(id, signal).unwrap();
    }

    pub fn kill9(&mut self) {
        self.signal(Signal::KILL);
        let id = self.id.take().unwrap();
        super::until(std::time::Duration::from_secs(30), "OpenSearch to be gone", || is_gone(id));
    }

    /// Connections stay open, nothing is answered.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// One question, answered with 2xx.
    #[track_caller]
    pub fn ask(&self, path: &str, body: Option<&Value>) -> Value {
        let client = Client::new(self.url());
        let answer = match body {
            Some(body) => {
                client.post(path, body.to_string().as_bytes(), &[("content-type", "application/json")])
            }
            None => client.get(path),
        };
        let answer = answer.unwrap();
        assert!(answer.status < 300, "{path}: {} {}", answer.status, answer.body);
        answer.json()
    }

    /// How many documents the indices hold.
    #[track_caller]
    pub fn count(&self, indices: &str) -> usize {
        self.ask(&format!("/{indices}/_refresh"), Some(&json!({})));
        let answer = self.ask(&format!("/{indices}/_count"), None);
        usize::try_from(answer["count"].as_u64().unwrap()).unwrap()
    }

    /// Every document, with its `_id` and `_source`.
    #[track_caller]
    pub fn documents(&self, indices: &str) -> Vec<Value> {
        self.ask(&format!("/{indices}/_refresh"), Some(&json!({})));
        let mut page = self.ask(&format!("/{indices}/_search?scroll=1m"), Some(&json!({ "size": 5000 })));
        let mut all = Vec::new();
        while let Some(hits) = page["hits"]["hits"].as_array().filter(|hits| !hits.is_empty()) {
            all.extend(hits.iter().cloned());
            let next = json!({ "scroll": "1m", "scroll_id": page["_scroll_id"] });
            page = self.ask("/_search/scroll", Some(&next));
        }
        all
    }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Whether no such process runs any more; one that only waits for its parent counts as gone.
fn is_gone(id: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"));
    test_kill_process(Pid::from_raw(id).unwrap()).is_err() || stat.is_ok_and(|stat| stat.contains(") Z "))
}

impl Drop for OpenSearch {
    fn drop(&mut self) {
        if let Some(id) = self.id.and_then(Pid::from_raw) {
            let _ = kill_process(id, Signal::KILL);
        }
    }
}
