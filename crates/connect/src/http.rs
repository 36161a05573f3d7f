//! An HTTP client for servers that keep things.
//!
//! **Constraint.** Answers are read up to a limit; redirects are not followed, and no proxy is taken from the
//! environment, as both would carry credentials elsewhere. Certificate files that change are taken up while running.

use std::error::Error;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use bytes::{Bytes, BytesMut};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, StatusCode};

use crate::tls::TlsSettings;
use crate::{Fault, SettingsError};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_MAX_BYTES: usize = 64 << 20;
/// Of a text that is not ours, how much is passed on.
const WORDS_MAX_CHARS: usize = 500;
/// How often the certificate files are looked at.
const TLS_LOOK_INTERVAL: Duration = Duration::from_secs(30);

/// Makes clients by the TLS files as they are now.
pub struct StoreClient {
    tls: TlsSettings,
    current: Mutex<Current>,
}

/// The client, and the state of the certificate files that it was made from.
struct Current {
    client: Client,
    made_from: Vec<Option<SystemTime>>,
    looked_at: Instant,
}

impl StoreClient {
    /// Trusts, and shows, what these say.
    pub fn new(tls: &TlsSettings) -> Result<Self, SettingsError> {
        let current =
            Current { made_from: tls.changed_at(), client: client(tls)?, looked_at: Instant::now() };
        Ok(Self { tls: tls.clone(), current: Mutex::new(current) })
    }

    /// The client; made anew where the certificate files have changed. While they cannot be used, the old one serves.
    pub fn get(&self) -> Client {
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

/// What came back, read to its end.
pub struct Reply {
    /// Whatever it is.
    pub status: StatusCode,
    /// All of them.
    pub headers: HeaderMap,
    /// To its end.
    pub body: Bytes,
}

impl Reply {
    /// When the store said to come back.
    pub fn retry_after(&self) -> Option<Duration> {
        self.headers.get(RETRY_AFTER)?.to_str().ok().and_then(pause)
    }
}

/// Sends the request and reads the whole answer, whatever its status.
pub async fn exchange(request: RequestBuilder, address: &str) -> Result<Reply, Fault> {
    let mut response = request.send().await.map_err(|error| failed(error, address))?;
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(error, address))? {
        if body.len() + chunk.len() > ANSWER_MAX_BYTES {
            return Err(Fault::Away(format!(
                "{address}: the answer is larger than {ANSWER_MAX_BYTES} bytes"
            )));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Reply { status: response.status(), headers: response.headers().clone(), body: body.freeze() })
}

/// Of a text that is not ours, as much as is passed on.
pub fn clipped(text: &str) -> String {
    match text.char_indices().nth(WORDS_MAX_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A certificate that is not trusted stays so until somebody mends it; everything else may pass.
fn failed(error: reqwest::Error, address: &str) -> Fault {
    let distrust = certificate_error(&error).map(ToString::to_string);
    match distrust {
        Some(why) => Fault::Blocked(format!(
            "{address}: {why}; set tls.ca to the authority that signed the store's certificate"
        )),
        None => {
            let away = anyhow::Error::new(error.without_url()).context(format!("{address} is away"));
            Fault::Away(format!("{away:#}"))
        }
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
        let settings = TlsSettings { ca: Some(path.clone()), ..TlsSettings::default() };
        write(&authority(), 30);
        let client = StoreClient::new(&settings).unwrap();
        let made_from_after_a_look = || {
            client.current.lock().unwrap().looked_at -= TLS_LOOK_INTERVAL;
            client.get();
            client.current.lock().unwrap().made_from.clone()
        };
        let first = made_from_after_a_look();
        write("half a fi", 20);
        assert_eq!(made_from_after_a_look(), first);
        write(&authority(), 10);
        assert_ne!(made_from_after_a_look(), first);
    }
}
