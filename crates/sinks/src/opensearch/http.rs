//! Talks HTTP to the store: address, credentials, TLS, limits.
//!
//! **Constraint.** No secret leaves this file but in the request's header. Answers are read up to a limit; redirects
//! are not followed, and no proxy is taken from the environment, as both would carry the credentials elsewhere.

use std::error::Error;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use anyhow::anyhow;
use bytes::{Bytes, BytesMut};
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Method, StatusCode, Url};
use weir_core::sink::SinkError;

use super::answer::whole;
use super::settings::{Credentials, OpenSearchSettings};
use crate::SettingsError;
use crate::tls::TlsSettings;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_MAX_BYTES: usize = 64 << 20;
/// How often the certificate files are looked at.
const TLS_LOOK_INTERVAL: Duration = Duration::from_secs(30);

pub(super) struct Http {
    base: Url,
    address: String,
    credentials: Option<Credentials>,
    tls: TlsSettings,
    current: Mutex<Current>,
}

/// The client, and the state of the certificate files that it was made from.
struct Current {
    client: Client,
    made_from: Vec<Option<SystemTime>>,
    looked_at: Instant,
}

pub(super) struct Request<'a> {
    pub method: Method,
    pub path: &'a [&'a str],
    pub query: Option<&'a str>,
    pub content_type: &'static str,
    pub compressed: bool,
    pub body: Option<Bytes>,
}

impl<'a> Request<'a> {
    /// Asks for something.
    pub fn get(path: &'a [&'a str]) -> Self {
        let content_type = "application/json";
        Self { method: Method::GET, path, query: None, content_type, compressed: false, body: None }
    }

    /// Puts a JSON document.
    pub fn put(path: &'a [&'a str], body: String) -> Self {
        Self { method: Method::PUT, body: Some(body.into()), ..Self::get(path) }
    }
}

/// What came back, read to its end.
pub(super) struct Answer {
    pub status: StatusCode,
    pub retry_after: Option<Duration>,
    pub body: Bytes,
}

impl Http {
    pub fn new(settings: &OpenSearchSettings) -> Result<Self, SettingsError> {
        let (base, credentials) = settings.address()?;
        let tls = settings.tls.clone();
        let current =
            Current { made_from: tls.changed_at(), client: client(&tls)?, looked_at: Instant::now() };
        if let Some(Credentials::ApiKey(key)) = &credentials {
            HeaderValue::from_str(key).map_err(|_| {
                SettingsError("api_key: it has characters that no header may have".to_owned())
            })?;
        }
        let address = base.as_str().trim_end_matches('/').to_owned();
        Ok(Self { base, address, credentials, tls, current: Mutex::new(current) })
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// Sends a request and reads the whole answer, whatever its status.
    pub async fn send(&self, request: Request<'_>) -> Result<Answer, SinkError> {
        let response = self.request(request).send().await.map_err(|error| self.failed(error))?;
        let status = response.status();
        let retry_after =
            response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(pause);
        let body = self.read(response).await?;
        Ok(Answer { status, retry_after, body })
    }

    /// Whether the store is there and lets us in. One that does not tell strangers what it is, is there too.
    pub async fn reach(&self) -> Result<(), SinkError> {
        let answer = self.send(Request::get(&[])).await?;
        match answer.status.as_u16() {
            200 | 403 | 404 => Ok(()),
            _ => Err(whole(&answer, &self.address)),
        }
    }

    fn request(&self, request: Request<'_>) -> reqwest::RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(request.path);
        }
        url.set_query(request.query);
        let mut builder = self.client().request(request.method, url);
        builder = match &self.credentials {
            None => builder,
            Some(Credentials::Basic { user, password }) => builder.basic_auth(user, Some(password)),
            Some(Credentials::ApiKey(key)) => builder.header("authorization", format!("ApiKey {key}")),
        };
        if request.compressed {
            builder = builder.header(CONTENT_ENCODING, "gzip");
        }
        match request.body {
            Some(body) => builder.header(CONTENT_TYPE, request.content_type).body(body),
            None => builder,
        }
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<Bytes, SinkError> {
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failed(error))? {
            if body.len() + chunk.len() > ANSWER_MAX_BYTES {
                let address = &self.address;
                return Err(SinkError::retry(anyhow!(
                    "{address}: the answer is larger than {ANSWER_MAX_BYTES} bytes"
                )));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    /// A certificate that is not trusted stays so until somebody mends it; everything else may pass.
    fn failed(&self, error: reqwest::Error) -> SinkError {
        let distrust = certificate_error(&error).map(ToString::to_string);
        match distrust {
            Some(why) => SinkError::Blocked {
                cause: anyhow!(
                    "{}: {why}; set tls.ca to the authority that signed the store's certificate",
                    self.address
                ),
            },
            None => SinkError::retry(
                anyhow::Error::new(error.without_url()).context(format!("{} is away", self.address)),
            ),
        }
    }

    /// The client; made anew where the certificate files have changed. While they cannot be used, the old one serves.
    fn client(&self) -> Client {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.looked_at.elapsed() >= TLS_LOOK_INTERVAL {
            current.looked_at = Instant::now();
            let changed_at = self.tls.changed_at();
            if changed_at != current.made_from {
                match client(&self.tls) {
                    Ok(client) => (current.client, current.made_from) = (client, changed_at),
                    Err(error) => {
                        tracing::warn!(%error, "changed certificate files cannot be used; going on with the old ones");
                    }
                }
            }
        }
        current.client.clone()
    }
}

fn client(tls: &TlsSettings) -> Result<Client, SettingsError> {
    Client::builder()
        .tls_backend_preconfigured(tls.client_config()?)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(Duration::from_secs(60))
        .user_agent(concat!("weir/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| SettingsError(format!("the HTTP client cannot be made: {error}")))
}

/// I/O errors hide what they are made of from `source`.
fn certificate_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(found @ rustls::Error::InvalidCertificate(_)) = error.downcast_ref() {
        return Some(found);
    }
    let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    inner.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source()).and_then(certificate_error)
}

/// `Retry-After`: seconds, or a date.
fn pause(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok()?;
    SystemTime::from(date).duration_since(SystemTime::now()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_told_in_seconds_or_as_a_date() {
        assert_eq!(pause("7"), Some(Duration::from_secs(7)));
        assert!(
            pause("Wed, 21 Oct 2099 07:28:00 GMT")
                .is_some_and(|pause| pause > Duration::from_secs(1_000_000))
        );
        assert_eq!(pause("Wed, 21 Oct 2015 07:28:00 GMT"), None);
        assert_eq!(pause("soon"), None);
    }

    #[test]
    fn changed_certificate_files_are_taken_up_and_broken_ones_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let write = |text: &str, age: u64| {
            std::fs::write(&path, text).unwrap();
            let changed_at = SystemTime::now() - Duration::from_secs(age);
            std::fs::File::options().write(true).open(&path).unwrap().set_modified(changed_at).unwrap();
        };
        let authority = || rcgen::generate_simple_self_signed(Vec::new()).unwrap().cert.pem();
        let mut settings = OpenSearchSettings::new("https://host");
        settings.tls.ca = Some(path.clone());
        write(&authority(), 30);
        let http = Http::new(&settings).unwrap();
        let made_from_after_a_look = || {
            http.current.lock().unwrap().looked_at -= TLS_LOOK_INTERVAL;
            http.client();
            http.current.lock().unwrap().made_from.clone()
        };
        let first = made_from_after_a_look();
        write("half a fi", 20);
        assert_eq!(made_from_after_a_look(), first);
        write(&authority(), 10);
        assert_ne!(made_from_after_a_look(), first);
    }
}
