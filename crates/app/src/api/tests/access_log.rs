//! What the access log tells of a request, and what it never does: the key.

use std::io::Write;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::here::{Here, KEY, Seen};
use crate::api::ApiSettings;
use crate::config::AccessLogMode;
use crate::logging::{Logs, Style};

/// An API whose access log is kept.
struct Watched {
    here: Here,
    logs: Logs,
    kept: Kept,
}

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Watched {
    async fn new(style: Style, settings: ApiSettings) -> Self {
        let kept = Kept::default();
        let logs = Logs::to(Box::new(kept.clone()), style).unwrap();
        let mut here = Here::with(settings).await;
        let api = Arc::get_mut(&mut here.api).unwrap();
        api.surroundings.access_log = logs.access_log(AccessLogMode::On);
        Self { here, logs, kept }
    }

    /// The only line, once it is written.
    fn line(&self) -> String {
        for _ in 0..60 {
            self.logs.flush();
            let text = String::from_utf8(self.kept.0.lock().unwrap().clone()).unwrap();
            if !text.is_empty() {
                assert_eq!(text.lines().count(), 1, "{text}");
                return text;
            }
        }
        panic!("no line was written");
    }

    fn told(&self) -> Value {
        serde_json::from_str(&self.line()).unwrap()
    }
}

#[tokio::test]
async fn a_request_is_told_with_what_was_asked_by_whom_and_what_came_of_it() {
    let watched = Watched::new(Style::Json, ApiSettings::default()).await;
    let body = r#"{"page":"/","event":"click"}"#;
    let seen: Seen = watched.here.call("POST", "/events", &[("x-request-id", "r-17")], body).await;
    assert_eq!((seen.status, seen.header("x-request-id")), (200, Some("r-17")));

    let told = watched.told();
    assert_eq!(told["http.request.method"], "POST");
    assert_eq!(told["url.path"], "/events");
    assert_eq!(told["http.response.status_code"], 200);
    assert_eq!(told["client.ip"], "192.0.2.7");
    assert_eq!(told["http.request.body.bytes"], body.len());
    assert_eq!(told["http.response.body.bytes"], seen.body.len());
    assert!(told["event.duration"].is_u64(), "in nanoseconds: {told}");
    assert_eq!(told["http.request.id"], "r-17");
    assert_eq!(told["user.name"], "key:app", "the key's name, never the key");
}

#[tokio::test]
async fn the_client_is_the_one_that_a_trusted_proxy_tells_of() {
    let settings =
        ApiSettings { trusted_proxies: vec!["192.0.2.0/24".parse().unwrap()], ..ApiSettings::default() };
    let watched = Watched::new(Style::Json, settings).await;
    watched.here.call("GET", "/v1/status", &[("x-forwarded-for", "2001:db8::7")], "").await;
    assert_eq!(watched.told()["client.ip"], "2001:db8::7");
}

#[tokio::test]
async fn who_is_not_admitted_is_told_without_a_name() {
    let watched = Watched::new(Style::Json, ApiSettings::default()).await;
    let seen = watched.here.call_as_told("GET", "/v1/status", &[("authorization", "Bearer no")], "").await;
    let told = watched.told();
    assert_eq!((seen.status, &told["http.response.status_code"]), (401, &Value::from(401)));
    assert_eq!(told.get("user.name"), None);
    assert_eq!(told["http.request.id"].as_str(), seen.header("x-request-id"), "one is given where none came");
}

#[tokio::test]
async fn no_key_is_told_whether_right_or_wrong_and_wherever_it_was_written() {
    let as_password = format!("Basic {}", STANDARD.encode(format!("u:{KEY}")));
    let right = format!("Bearer {KEY}");
    for style in [Style::Json, Style::Text { colored: false }] {
        for authorization in [right.as_str(), as_password.as_str(), "Bearer the-key-of-another", "the-key"] {
            let watched = Watched::new(style, ApiSettings::default()).await;
            let headers = [("authorization", authorization), ("user-agent", "the-key/1")];
            let address = format!("/v1/status?key={KEY}&authorization={KEY}");
            watched.here.call_as_told("GET", &address, &headers, "").await;
            let line = watched.line();
            assert!(line.contains("/v1/status"), "{line}");
            for secret in [KEY, &STANDARD.encode(format!("u:{KEY}"))] {
                assert!(!line.contains(secret), "{line}");
            }
        }
    }
}
