//! Not giving up lightly: what fails for a while is tried again, with growing pauses.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use reqwest::{Response, StatusCode};
use serde_json::Value;

use super::client::{Client, detail_of, root_cause};
use super::progress::Progress;
use crate::config::write_duration;

const WAIT_MIN: Duration = Duration::from_millis(100);
const WAIT_MAX: Duration = Duration::from_secs(10);

/// Why something cannot be done just now.
pub struct Busy {
    /// In words.
    pub why: String,
    /// When the server wants to be asked again.
    pub after: Option<Duration>,
}

/// How long one has been waiting for things to get better.
pub struct Retry {
    retry_for: Duration,
    since: Instant,
    wait: Duration,
}

impl Retry {
    /// Gives up when nothing has got better for so long.
    pub fn new(retry_for: Duration) -> Self {
        Self { retry_for, since: Instant::now(), wait: WAIT_MIN }
    }

    /// It got better.
    pub fn is_well(&mut self) {
        *self = Self::new(self.retry_for);
    }

    /// Waits a while; an error where that was long enough.
    pub async fn pause(&mut self, busy: Busy, progress: &Progress) -> anyhow::Result<()> {
        let pause = busy.after.unwrap_or_else(|| self.wait / 2 + random_part(self.wait / 2));
        if self.since.elapsed() + pause > self.retry_for {
            bail!("{}\n    Gave up after {}.", busy.why, write_duration(self.retry_for));
        }
        if self.wait == WAIT_MIN {
            progress.waits(busy.why.lines().next().unwrap_or_default());
        }
        tokio::time::sleep(pause).await;
        self.wait = (self.wait * 2).min(WAIT_MAX);
        Ok(())
    }
}

/// The answer, or that there is none just now, or none at all.
pub async fn answered(
    client: &Client,
    result: reqwest::Result<Response>,
) -> anyhow::Result<Result<Response, Busy>> {
    let response = match result {
        Ok(response) => response,
        Err(error) => return Ok(Err(Busy { why: client.unreachable(&error).to_string(), after: None })),
    };
    let status = response.status();
    match status {
        _ if status.is_success() => Ok(Ok(response)),
        StatusCode::UNAUTHORIZED => Err(client.unauthorized()),
        StatusCode::REQUEST_TIMEOUT
        | StatusCode::LOCKED
        | StatusCode::TOO_MANY_REQUESTS
        | StatusCode::INTERNAL_SERVER_ERROR
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT
        | StatusCode::INSUFFICIENT_STORAGE => {
            let after = retry_after(&response);
            let why = format!("{} answered {status}{}", client.address(), detail_of(response).await);
            Ok(Err(Busy { why, after }))
        }
        _ => bail!("{} answered {status}{}", client.address(), detail_of(response).await),
    }
}

/// The answer's JSON, or that it broke off.
pub async fn read_json(answer: Response) -> anyhow::Result<Result<Value, Busy>> {
    match answer.bytes().await {
        Ok(body) => {
            Ok(Ok(serde_json::from_slice(&body).context("the server's answer is no JSON: is it Weir?")?))
        }
        Err(error) => Ok(Err(Busy { why: root_cause(&error), after: None })),
    }
}

/// When the server wants to be asked again.
pub fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get("retry-after")?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// So that many who wait do not come back at the same moment.
pub fn random_part(limit: Duration) -> Duration {
    let mut bytes = [0; 4];
    // Without chance they do; nothing worse comes of it.
    let _ = getrandom::fill(&mut bytes);
    limit.mul_f64(f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX))
}
