//! A real server: the one at `WEIR_TEST_OPENSEARCH_URL`, else one that the project's own script starts.

use reqwest::Client;
use rustls::RootCertStore;
use serde_json::{Value, json};

use crate::http::client;
use crate::service::Service;

/// The server, and what has to be ended with it.
pub struct Server {
    url: String,
    http: Client,
    _owned: Option<Service>,
}

impl Server {
    /// `None`, and noted as skipped, where none can be had.
    pub fn start(suite: &str) -> Option<Self> {
        let http = client(RootCertStore::empty());
        if let Ok(url) = std::env::var("WEIR_TEST_OPENSEARCH_URL") {
            return Some(Self { url, http, _owned: None });
        }
        let service = Service::start("opensearch", suite)?;
        Some(Self { url: service.url(), http, _owned: Some(service) })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// One question, answered with 2xx.
    pub async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let mut request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.url));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        assert!(status.is_success(), "{method} {path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// The documents of these indices that match, as the text that the store gives back.
    pub async fn search(&self, indices: &str, query: Value) -> String {
        self.ask("POST", &format!("/{indices}/_refresh"), None).await;
        let body = json!({ "size": 10_000, "query": query }).to_string();
        let request = self.http.post(format!("{}/{indices}/_search", self.url));
        let response = request.header("content-type", "application/json").body(body).send().await.unwrap();
        response.error_for_status().unwrap().text().await.unwrap()
    }

    pub async fn count(&self, indices: &str, query: Value) -> u64 {
        self.ask("POST", &format!("/{indices}/_refresh"), None).await;
        let answer = self.ask("POST", &format!("/{indices}/_count"), Some(json!({ "query": query }))).await;
        answer["count"].as_u64().unwrap()
    }
}
