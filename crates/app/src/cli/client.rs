//! Asking the running server.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;

use super::credential::Credential;
use super::trust::tls_config;
use crate::config::{Settings, masked};
use crate::logging::escaped;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// A way to the server, and into it.
pub struct Client {
    http: reqwest::Client,
    base: String,
    /// `base` without a password.
    shown: String,
    credential: Credential,
}

impl Client {
    /// To the server that the settings describe, or to the one at `url` with the settings' key. Of certificates, the
    /// settings' own is believed, and what authorities vouch for: the system's, and those in the file `ca`.
    pub fn new(settings: &Settings, url: Option<&str>, ca: Option<&Path>) -> anyhow::Result<Self> {
        let base = match url {
            Some(url) => checked(url)?,
            None => own_address(settings)?,
        };
        let credential = Credential::find(settings).map_err(|path| {
            anyhow!(
                "there is no key to show to the server: none is set, and there is no {}\n    \
                 Run this in the server's directory, or with its --config or --data-dir; the server makes the key when it first starts.",
                path.display()
            )
        })?;
        Ok(Self { http: http_client(settings, ca)?, shown: masked(&base), base, credential })
    }

    /// The server's address, for messages and files.
    pub fn address(&self) -> &str {
        &self.shown
    }

    /// A request, with the credential and a time limit.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let bearer = self.credential.bearer();
        let request = self.http.request(method, format!("{}{path}", self.base)).timeout(ANSWER_TIMEOUT);
        request.bearer_auth(bearer.expose())
    }

    /// The same for something large, without the time limit: who reads it sets one between two pieces.
    pub fn download(&self, method: Method, path: &str) -> RequestBuilder {
        let bearer = self.credential.bearer();
        self.http.request(method, format!("{}{path}", self.base)).bearer_auth(bearer.expose())
    }

    /// Asks, and reads the answer's JSON; `null` where it has none.
    pub async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = self.answered(request.send().await).await?;
        let body = response.bytes().await.context("the server's answer broke off")?;
        match body.is_empty() {
            true => Ok(Value::Null),
            false => serde_json::from_slice(&body).context("the server's answer is no JSON: is it Weir?"),
        }
    }

    /// The answer, where it says yes; else an error that says what to do.
    pub async fn answered(&self, result: reqwest::Result<Response>) -> anyhow::Result<Response> {
        let response = result.map_err(|error| self.unreachable(&error))?;
        match response.status() {
            status if status.is_success() => Ok(response),
            StatusCode::UNAUTHORIZED => Err(self.unauthorized()),
            status => {
                let detail = detail_of(response).await;
                bail!("{} answered {status}{detail}", self.shown)
            }
        }
    }

    /// The server does not know the credential.
    pub fn unauthorized(&self) -> anyhow::Error {
        anyhow!(
            "{} does not admit {}\n    Run this with the server's own settings: in its directory, or with its --config or --data-dir.",
            self.shown,
            self.credential.describe()
        )
    }

    /// Nobody answers.
    pub fn unreachable(&self, error: &reqwest::Error) -> anyhow::Error {
        let cause = root_cause(error);
        if error.is_timeout() {
            return anyhow!(
                "{} did not answer in time\n    `weir status` and the server's log may tell why.",
                self.shown
            );
        }
        if certificate_error(error).is_some() {
            return anyhow!(
                "{} shows a certificate that is not trusted: {cause}\n    Name the file of its authority with --ca.",
                self.shown
            );
        }
        anyhow!(
            "no server answers at {}: {cause}\n    Start one with `weir run`, or name another with --url.",
            self.shown
        )
    }
}

/// `: ` and what an answer says in its `detail`, where it says something.
pub async fn detail_of(response: Response) -> String {
    let body = response.bytes().await.unwrap_or_default();
    let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
    problem["detail"].as_str().map(|detail| format!(": {}", escaped(detail))).unwrap_or_default()
}

/// The innermost cause: the others only say that there is one.
pub fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// What is wrong with the server's certificate, if that is what failed. I/O errors hide their cause from `source`.
fn certificate_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(found @ rustls::Error::InvalidCertificate(_)) = error.downcast_ref() {
        return Some(found);
    }
    let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    inner.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source()).and_then(certificate_error)
}

fn checked(url: &str) -> anyhow::Result<String> {
    let url = url.trim_end_matches('/');
    if !url.starts_with("http://") && !url.starts_with("https://") {
        bail!("--url must begin with http:// or https://, as http://127.0.0.1:8080");
    }
    Ok(url.to_owned())
}

/// A server that listens on every address is asked on this machine's own.
fn own_address(settings: &Settings) -> anyhow::Result<String> {
    let mut server = settings.server.clone();
    if server.port == 0 {
        bail!("server.port is 0, so the server's port is not known\n    Name the server with --url.");
    }
    match server.host.as_str() {
        "0.0.0.0" => server.host = "127.0.0.1".to_owned(),
        "::" | "[::]" => server.host = "::1".to_owned(),
        _ => {}
    }
    let scheme = if server.tls.is_some() { "https" } else { "http" };
    Ok(format!("{scheme}://{}", server.address()))
}

fn http_client(settings: &Settings, ca: Option<&Path>) -> anyhow::Result<reqwest::Client> {
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls_config(settings, ca)?)
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("weir/", env!("CARGO_PKG_VERSION")));
    Ok(client.build()?)
}
