//! A real server: the one at `WEIR_TEST_OPENSEARCH_URL`, else one that the project's own script starts.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

const UNAVAILABLE: i32 = 77;

/// The server, and what has to be ended with it.
pub struct Server {
    url: String,
    http: Client,
    owned: Option<(u32, TempDir)>,
}

impl Server {
    /// `None`, and noted as skipped, where none can be had.
    pub fn start(suite: &str) -> Option<Self> {
        let http = plain_client();
        if let Ok(url) = std::env::var("WEIR_TEST_OPENSEARCH_URL") {
            return Some(Self { url, http, owned: None });
        }
        let unavailable = repository().join(".services/unavailable/opensearch");
        match fs::read_to_string(unavailable).map_or_else(|_| launch(), Err) {
            Ok((id, directory, port)) => {
                Some(Self { url: format!("http://127.0.0.1:{port}"), http, owned: Some((id, directory)) })
            }
            Err(reason) => {
                skipped(suite, &reason);
                None
            }
        }
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

impl Drop for Server {
    fn drop(&mut self) {
        if let Some((id, _)) = &self.owned {
            let _ = Command::new("kill").args(["-9", &id.to_string()]).status();
        }
    }
}

fn plain_client() -> Client {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Client::builder().tls_backend_preconfigured(tls).no_proxy().build().unwrap()
}

/// Process id, data and port; an error where this machine cannot have it.
fn launch() -> Result<(u32, TempDir, u16), String> {
    let directory = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new(repository().join("scripts/services/opensearch"));
    command.arg("start").arg(directory.path()).arg(port.to_string());
    let output = command.env("WEIR_SERVICE_OWNER", std::process::id().to_string()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.code() == Some(UNAVAILABLE) {
        return Err(said);
    }
    assert!(output.status.success(), "OpenSearch did not start; `make test` installs it: {said}");
    let id = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
    Ok((id, directory, port))
}

fn skipped(suite: &str, reason: &str) {
    assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{suite} cannot be skipped in CI: {reason}");
    let default = || Path::new(env!("CARGO_TARGET_TMPDIR")).join("../skipped-suites.txt");
    let file = std::env::var_os("WEIR_SKIPPED_SUITES").map_or_else(default, PathBuf::from);
    let mut file = OpenOptions::new().create(true).append(true).open(file).unwrap();
    writeln!(file, "{suite}: {}", reason.trim()).unwrap();
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
