//! Brings a chunk to the server, and does not give up lightly.

use std::cell::Cell;
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::chunks::{Chunk, Line};
use super::summary::{Outcome, Rejected};
use crate::cli::address::encoded;
use crate::cli::arguments::SendOptions;
use crate::cli::client::{Client, detail_of};
use crate::cli::progress::Progress;
use crate::cli::retry::{random_part, retry_after};
use crate::config::write_duration;

const WAIT_MIN: Duration = Duration::from_millis(100);
const WAIT_MAX: Duration = Duration::from_secs(10);
/// A server that has never answered is probably not there at all.
const FIRST_CONTACT_TIMEOUT: Duration = Duration::from_secs(5);

/// What is sent where, and for how long.
pub struct Errand<'a> {
    /// The address.
    pub path: String,
    /// The stream.
    pub stream: &'a str,
    /// The sending's name.
    pub run: &'a str,
    /// How long the server may be away or busy.
    pub retry_for: Duration,
}

/// Knows the way and the terms.
pub struct Courier<'a> {
    client: &'a Client,
    errand: Errand<'a>,
    /// Whether the server has ever answered.
    reached: Cell<bool>,
    progress: &'a Progress,
}

/// What the server said to some lines.
enum Answer {
    /// What became of each.
    Judged(Outcome),
    /// They cannot be taken as they are, all together.
    Refused(Rejected),
    /// Come back later.
    Busy { why: String, after: Option<Duration> },
}

impl<'a> Errand<'a> {
    /// That of `weir send`.
    pub fn of(options: &'a SendOptions) -> Self {
        let SendOptions { stream, run, retry_for, .. } = options;
        let path = match stream.as_str() {
            "events" => "/events".to_owned(),
            stream => format!("/v1/streams/{}/events", encoded(stream)),
        };
        Self { path, stream, run, retry_for: *retry_for }
    }
}

impl<'a> Courier<'a> {
    /// For this errand.
    pub fn new(client: &'a Client, errand: Errand<'a>, progress: &'a Progress) -> Self {
        Self { client, errand, reached: Cell::new(false), progress }
    }

    /// Sends the chunk until the server has judged every line of it.
    pub async fn carry(&self, chunk: &Chunk) -> anyhow::Result<Outcome> {
        let mut outcome = Outcome::default();
        // Lines that are refused together are sent in halves, until the guilty one stands alone.
        let mut parts: Vec<&[Line]> = vec![&chunk.lines];
        while let Some(lines) = parts.pop() {
            let Some(first) = lines.first() else { continue };
            match self.carry_lines(chunk, lines, first).await? {
                Ok(judged) => {
                    outcome.accepted += judged.accepted;
                    outcome.rejected.extend(judged.rejected);
                }
                Err(refused) if lines.len() == 1 => outcome.rejected.push(refused),
                Err(_) => {
                    let (left, right) = lines.split_at(lines.len() / 2);
                    parts.extend([right, left]);
                }
            }
        }
        Ok(outcome)
    }

    /// Tries until there is an answer that counts, or the time is over.
    async fn carry_lines(
        &self,
        chunk: &Chunk,
        lines: &[Line],
        first: &Line,
    ) -> anyhow::Result<Result<Outcome, Rejected>> {
        let end = lines.last().map_or(first.span.end, |line| line.span.end);
        let body = &chunk.body[first.span.start..end];
        let key = self.key(first.offset, body);
        let began = Instant::now();
        let mut wait = WAIT_MIN;
        loop {
            let (why, after) = match self.attempt(lines, &key, body).await? {
                Answer::Judged(outcome) => return Ok(Ok(outcome)),
                Answer::Refused(rejected) => return Ok(Err(rejected)),
                Answer::Busy { why, after } => (why, after),
            };
            let pause = after.unwrap_or_else(|| wait / 2 + random_part(wait / 2));
            let patience = match self.reached.get() {
                true => self.errand.retry_for,
                false => self.errand.retry_for.min(FIRST_CONTACT_TIMEOUT),
            };
            if began.elapsed() + pause > patience {
                bail!(
                    "{why}\n    Gave up after {}; run the same command again to go on.",
                    write_duration(patience)
                );
            }
            if wait == WAIT_MIN {
                self.progress.waits(why.lines().next().unwrap_or_default());
            }
            tokio::time::sleep(pause).await;
            wait = (wait * 2).min(WAIT_MAX);
        }
    }

    async fn attempt(&self, lines: &[Line], key: &str, body: &[u8]) -> anyhow::Result<Answer> {
        let request = self
            .client
            .request(Method::POST, &self.errand.path)
            .header("content-type", "application/x-ndjson")
            .header("idempotency-key", key)
            .body(body.to_vec());
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => {
                return Ok(Answer::Busy { why: self.client.unreachable(&error).to_string(), after: None });
            }
        };
        self.reached.set(true);
        let status = response.status();
        match status.as_u16() {
            200 | 422 => self.judged(response, lines).await,
            401 => Err(self.client.unauthorized()),
            400 | 413 => {
                let detail = detail_of(response).await.trim_start_matches(": ").to_owned();
                let line = lines.first().map_or(0, |line| line.number);
                Ok(Answer::Refused(Rejected { line, code: status.as_u16().to_string(), detail }))
            }
            408 | 429 | 500 | 502..=504 => {
                let after = retry_after(&response);
                let why = format!("{} answered {status}{}", self.client.address(), detail_of(response).await);
                Ok(Answer::Busy { why, after })
            }
            _ => Err(anyhow!("{} answered {status}{}", self.client.address(), detail_of(response).await)),
        }
    }

    async fn judged(&self, response: Response, lines: &[Line]) -> anyhow::Result<Answer> {
        let refused = response.status() == StatusCode::UNPROCESSABLE_ENTITY;
        let answer: Value = match response.bytes().await {
            Ok(body) => serde_json::from_slice(&body).unwrap_or_default(),
            Err(error) => {
                return Ok(Answer::Busy { why: self.client.unreachable(&error).to_string(), after: None });
            }
        };
        match (answer["accepted"].as_u64(), answer["rejected"].as_array()) {
            (Some(accepted), Some(rejected)) => {
                let rejected = rejected.iter().map(|rejected| named(rejected, lines)).collect();
                Ok(Answer::Judged(Outcome { accepted, rejected }))
            }
            _ if refused => {
                let detail = answer["detail"].as_str().unwrap_or_default().to_owned();
                let line = lines.first().map_or(0, |line| line.number);
                Ok(Answer::Refused(Rejected { line, code: "422".to_owned(), detail }))
            }
            _ => bail!("{} gave an answer that says nothing of events: is it Weir?", self.client.address()),
        }
    }

    /// The same for the same bytes at the same place, in every run of that name.
    fn key(&self, offset: u64, body: &[u8]) -> String {
        let mut digest = Sha256::new();
        let Errand { stream, run, .. } = &self.errand;
        for part in [b"weir send 1", stream.as_bytes(), run.as_bytes(), &offset.to_le_bytes(), body] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn named(rejected: &Value, lines: &[Line]) -> Rejected {
    let index = rejected["index"].as_u64().and_then(|index| usize::try_from(index).ok());
    let line = index.and_then(|index| lines.get(index)).map_or(0, |line| line.number);
    let text = |name: &str| rejected[name].as_str().unwrap_or_default().to_owned();
    Rejected { line, code: text("code"), detail: text("detail") }
}
