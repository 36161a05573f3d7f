//! A client that speaks plain HTTP, and what it was answered.

use std::time::Duration;

use serde_json::Value;
use ureq::typestate::{WithBody, WithoutBody};
use ureq::{Agent, RequestBuilder};

const TIME_LIMIT: Duration = Duration::from_secs(60);

const BODY_MAX_BYTES: u64 = 256 << 20;

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
        self.get_with(path, &[])
    }

    pub fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Result<Answer, ureq::Error> {
        self.ask(self.agent.get(format!("{}{path}", self.base)), headers)
    }

    /// An answer that is no text.
    pub fn bytes(&self, path: &str) -> Result<Vec<u8>, ureq::Error> {
        let request = self.headed(self.agent.get(format!("{}{path}", self.base)), &[]);
        request.call()?.body_mut().with_config().limit(BODY_MAX_BYTES).read_to_vec()
    }

    /// What is no text: its status and its bytes.
    pub fn get_bytes(&self, path: &str, headers: &[(&str, &str)]) -> Result<(u16, Vec<u8>), ureq::Error> {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        let authorization = self.authorization.as_deref().map(|value| ("authorization", value));
        for (name, value) in authorization.into_iter().chain(headers.iter().copied()) {
            request = request.header(name, value);
        }
        let mut response = request.call()?;
        let status = response.status().as_u16();
        Ok((status, response.body_mut().with_config().limit(256 << 20).read_to_vec()?))
    }

    pub fn delete(&self, path: &str) -> Result<Answer, ureq::Error> {
        self.ask(self.agent.delete(format!("{}{path}", self.base)), &[])
    }

    pub fn head(&self, path: &str, headers: &[(&str, &str)]) -> Result<Answer, ureq::Error> {
        self.ask(self.agent.head(format!("{}{path}", self.base)), headers)
    }

    pub fn patch(&self, path: &str, body: &[u8], headers: &[(&str, &str)]) -> Result<Answer, ureq::Error> {
        self.send(self.agent.patch(format!("{}{path}", self.base)), body, headers)
    }

    pub fn put(&self, path: &str, body: &[u8], headers: &[(&str, &str)]) -> Result<Answer, ureq::Error> {
        self.send(self.agent.put(format!("{}{path}", self.base)), body, headers)
    }

    pub fn post(&self, path: &str, body: &[u8], headers: &[(&str, &str)]) -> Result<Answer, ureq::Error> {
        self.send(self.agent.post(format!("{}{path}", self.base)), body, headers)
    }

    /// A file, as it is read; however long that takes.
    pub fn post_file(&self, path: &str, file: std::fs::File) -> Result<Answer, ureq::Error> {
        let request = self.headed(self.agent.post(format!("{}{path}", self.base)), &[]);
        read(request.config().timeout_global(None).build().send(file)?)
    }

    fn send(
        &self,
        request: RequestBuilder<WithBody>,
        body: &[u8],
        headers: &[(&str, &str)],
    ) -> Result<Answer, ureq::Error> {
        read(self.headed(request, headers).send(body)?)
    }

    fn ask(
        &self,
        request: RequestBuilder<WithoutBody>,
        headers: &[(&str, &str)],
    ) -> Result<Answer, ureq::Error> {
        read(self.headed(request, headers).call()?)
    }

    fn headed<Any>(&self, mut request: RequestBuilder<Any>, headers: &[(&str, &str)]) -> RequestBuilder<Any> {
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request
    }
}

fn read(mut response: ureq::http::Response<ureq::Body>) -> Result<Answer, ureq::Error> {
    let text = |value: &ureq::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let status = response.status().as_u16();
    let body = response.body_mut().with_config().limit(BODY_MAX_BYTES).lossy_utf8(true).read_to_string()?;
    Ok(Answer { status, headers, body })
}
