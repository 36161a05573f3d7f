//! A real OpenSearch node, started by the project's own script.

use std::ops::{Deref, DerefMut};

use serde_json::{Value, json};

use super::service::Service;
use super::{Client, Tmpfs};

/// The node; its data outlives a restart.
pub struct OpenSearch(Service);

impl OpenSearch {
    /// `None`, and noted as skipped for this suite, where none can be had.
    #[track_caller]
    pub fn start(suite: &str) -> Option<Self> {
        Service::start("opensearch", suite).map(Self)
    }

    /// One whose data is on this disk.
    #[track_caller]
    pub fn start_on(disk: &Tmpfs, suite: &str) -> Option<Self> {
        Service::start_in(disk.folder(), "opensearch", suite, &[]).map(Self)
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

    /// One change, answered with 2xx.
    #[track_caller]
    pub fn change(&self, path: &str, body: &Value) {
        let body = body.to_string();
        let answer = Client::new(self.url())
            .put(path, body.as_bytes(), &[("content-type", "application/json")])
            .unwrap();
        assert!(answer.status < 300, "{path}: {} {}", answer.status, answer.body);
    }

    /// Has it try again the shards that it has given up; whether it will.
    pub fn takes_heart(&self) -> bool {
        let asked = Client::new(self.url()).post("/_cluster/reroute?retry_failed=true", &[], &[]);
        asked.is_ok_and(|answer| answer.status == 200)
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

impl Deref for OpenSearch {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.0
    }
}

impl DerefMut for OpenSearch {
    fn deref_mut(&mut self) -> &mut Service {
        &mut self.0
    }
}
