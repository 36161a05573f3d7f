//! A client that speaks plain HTTP, and what it was answered.

use std::time::Duration;

use serde_json::Value;
use ureq::typestate::WithBody;
use ureq::{Agent, RequestBuilder};

const TIME_LIMIT: Duration = Duration::from_secs(60);

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {}: {}", self.status, self.body))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Asks one server, keeping connections open.
#[derive(Clone)]
pub struct Client {
    agent: Agent,
    base: String,
    authorization: Option<String>,
}

impl Client {
    /// `base` is `http://host:port`.
    pub fn new(base: impl Into<String>) -> Self {
        Self::with_limit(base, TIME_LIMIT)
    }

    /// One that gives up after `limit`.
    pub fn with_limit(base: impl Into<String>, limit: Duration) -> Self {
        let config =
            Agent::config_builder().timeout_global(Some(limit)).http_status_as_error(false).proxy(None);
        Self { agent: config.build().new_agent(), base: base.into(), authorization: None }
    }

    /// One that shows a key or token.
    pub fn bearing(mut self, token: &str) -> Self {
        self.authorization = Some(format!("Bearer {token}"));
        self
    }

    pub fn get(&self, path: &str) -> Result<Answer, ureq::Error> {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        read(request.call()?)
    }

    pub fn delete(&self, path: &str) -> Result<Answer, ureq::Error> {
        let mut request = self.agent.delete(format!("{}{path}", self.base));
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        read(request.call()?)
    }

    pub fn put(&self, path: &str, body: &[u8], headers: &[(&str, &str)]) -> Result<Answer, ureq::Error> {
        self.send(self.agent.put(format!("{}{path}", self.base)), body, headers)
    }

    pub fn post(&self, path: &str, body: &[u8], headers: &[(&str, &str)]) -> Result<Answer, ureq::Error> {
        self.send(self.agent.post(format!("{}{path}", self.base)), body, headers)
    }

    fn send(
        &self,
        mut request: RequestBuilder<WithBody>,
        body: &[u8],
        headers: &[(&str, &str)],
    ) -> Result<Answer, ureq::Error> {
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request.send(body)?)
    }
}

fn read(mut response: ureq::http::Response<ureq::Body>) -> Result<Answer, ureq::Error> {
    let text = |value: &ureq::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let status = response.status().as_u16();
    let body = response.body_mut().with_config().limit(256 << 20).lossy_utf8(true).read_to_string()?;
    Ok(Answer { status, headers, body })
}
