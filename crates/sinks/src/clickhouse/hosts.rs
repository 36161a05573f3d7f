//! The servers, tried in turn: each question goes to the one that answered last, and on to the next where that one is
//! away or not well.
//!
//! **Constraint.** The password leaves this file in a header, and nowhere else.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use reqwest::Url;
use reqwest::header::{CONTENT_ENCODING, HeaderValue};
use weir_core::sink::SinkError;

use super::fault::{Fault, Meaning};
use super::settings::ClickHouseSettings;
use crate::SettingsError;
use crate::client::{StoreClient, exchange};

pub(super) struct Hosts {
    hosts: Vec<Host>,
    preferred: AtomicUsize,
    client: StoreClient,
    user: Option<HeaderValue>,
    password: Option<HeaderValue>,
}

struct Host {
    url: Url,
    address: String,
}

/// A statement, its settings and parameters, and the rows that go with it.
#[derive(Default)]
pub(super) struct Question {
    pub statement: String,
    pub parameters: Vec<(&'static str, String)>,
    pub body: Bytes,
    pub encoding: Option<&'static str>,
}

/// Why there is no answer.
pub(super) enum Failure {
    /// The server says so.
    Told { fault: Fault, address: String },
    /// It was not reached, or did not answer to the end.
    Unheard(SinkError),
}

impl Failure {
    /// What the server means, where it said something.
    pub fn meaning(&self) -> Meaning {
        match self {
            Self::Told { fault, .. } => fault.meaning,
            Self::Unheard(_) => Meaning::Busy,
        }
    }
}

impl From<Failure> for SinkError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Told { fault, address } => fault.at(&address),
            Failure::Unheard(error) => error,
        }
    }
}

impl Hosts {
    pub fn new(settings: &ClickHouseSettings) -> Result<Self, SettingsError> {
        let host = |url: Url| Host { address: url.as_str().trim_end_matches('/').to_owned(), url };
        Ok(Self {
            hosts: settings.addresses()?.into_iter().map(host).collect(),
            preferred: AtomicUsize::new(0),
            client: StoreClient::new(&settings.tls)?,
            user: header("user", settings.user.as_deref())?,
            password: header("password", settings.password.as_deref())?,
        })
    }

    /// Where they are, as it may be shown.
    pub fn addresses(&self) -> String {
        self.hosts.iter().map(|host| host.address.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Asks one server after the other until one can answer; what it answers is the answer.
    pub async fn ask(&self, question: &Question) -> Result<Bytes, Failure> {
        let first = self.preferred.load(Ordering::Relaxed);
        let mut answer = self.ask_at(first, question).await;
        for turn in 1..self.hosts.len() {
            match answer {
                Err(failure) if failure.meaning() == Meaning::Busy => {
                    answer = self.ask_at(first + turn, question).await;
                }
                _ => break,
            }
        }
        answer
    }

    async fn ask_at(&self, turn: usize, question: &Question) -> Result<Bytes, Failure> {
        let count = self.hosts.len();
        let host = &self.hosts[turn % count];
        let mut turning = Turning { preferred: &self.preferred, next: (turn + 1) % count };
        let reply = exchange(self.request(host, question), &host.address).await.map_err(Failure::Unheard)?;
        match Fault::of(&reply) {
            Some(fault) if fault.meaning == Meaning::Busy => {
                Err(Failure::Told { fault, address: host.address.clone() })
            }
            fault => {
                turning.next = turn % count;
                fault.map_or(Ok(reply.body), |fault| {
                    Err(Failure::Told { fault, address: host.address.clone() })
                })
            }
        }
    }

    fn request(&self, host: &Host, question: &Question) -> reqwest::RequestBuilder {
        let mut url = host.url.clone();
        // What goes wrong on the way is told by the status, not in the middle of an answer.
        url.query_pairs_mut().append_pair("wait_end_of_query", "1").extend_pairs(&question.parameters);
        // A request without a body would be refused.
        let body = match question.body.is_empty() {
            true => Bytes::copy_from_slice(question.statement.as_bytes()),
            false => {
                url.query_pairs_mut().append_pair("query", &question.statement);
                question.body.clone()
            }
        };
        let mut request = self.client.get().post(url).body(body);
        for (name, value) in [("x-clickhouse-user", &self.user), ("x-clickhouse-key", &self.password)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        match question.encoding {
            Some(encoding) => request.header(CONTENT_ENCODING, encoding),
            None => request,
        }
    }
}

/// Says, when it is dropped, which server the next question goes to: however the present one ends, also by being given
/// up because the server is frozen.
struct Turning<'a> {
    preferred: &'a AtomicUsize,
    next: usize,
}

impl Drop for Turning<'_> {
    fn drop(&mut self) {
        self.preferred.store(self.next, Ordering::Relaxed);
    }
}

fn header(setting: &str, text: Option<&str>) -> Result<Option<HeaderValue>, SettingsError> {
    let value = text.map(|text| HeaderValue::from_bytes(text.as_bytes())).transpose();
    let value =
        value.map_err(|_| SettingsError(format!("{setting}: it has characters that no header may have")))?;
    Ok(value.map(|mut value| {
        value.set_sensitive(true);
        value
    }))
}
