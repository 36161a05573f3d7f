//! A body that comes in bit by bit, within its limits of size and time.

use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt;
use hyper::StatusCode;
use tokio::time::Instant;

use crate::api::body::BodyError;
use crate::api::problem::Problem;
use crate::server::Patience;

/// A sender that is slower than this, beyond the time that any body may take, is not waited for.
const BYTES_PER_SECOND_MIN: u64 = 16 << 10;

/// What is still to come.
pub struct Incoming<B> {
    body: B,
    patience: Patience,
    pace: Pace,
}

impl<B> Incoming<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BodyError>,
{
    /// At most so many bytes.
    pub fn new(body: B, patience: Patience, timeout: Duration, max_bytes: u64) -> Self {
        Self { body, patience, pace: Pace::new(timeout, max_bytes) }
    }

    /// The next bit; nothing after the last.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        loop {
            let frame = self.patience.within(self.pace.timeout, self.body.frame()).await;
            let Some(frame) = frame.map_err(|_| self.pace.too_slow())? else { return Ok(None) };
            let frame = frame.map_err(|error| {
                Problem::bad_request("broken-body", format!("the body could not be read: {}", error.into()))
            })?;
            let Ok(data) = frame.into_data() else { continue };
            self.pace.take(data.len())?;
            return Ok(Some(data));
        }
    }
}

/// How much has come, and in what time.
pub struct Pace {
    /// How long nothing may come, and how long a small body may take.
    timeout: Duration,
    began: Instant,
    bytes: u64,
    max_bytes: u64,
}

impl Pace {
    /// Begins now.
    pub fn new(timeout: Duration, max_bytes: u64) -> Self {
        Self { timeout, began: Instant::now(), bytes: 0, max_bytes }
    }

    /// Some more has come. Whether that is not too much, and not too slow.
    pub fn take(&mut self, bytes: usize) -> Result<(), Problem> {
        self.bytes += bytes as u64;
        if self.bytes > self.max_bytes {
            return Err(too_large(self.max_bytes));
        }
        match self.began.elapsed() > self.timeout + Duration::from_secs(self.bytes / BYTES_PER_SECOND_MIN) {
            true => Err(self.too_slow()),
            false => Ok(()),
        }
    }

    fn too_slow(&self) -> Problem {
        let detail = format!(
            "{} bytes came in {} s: send at least {BYTES_PER_SECOND_MIN} bytes a second",
            self.bytes,
            self.began.elapsed().as_secs()
        );
        Problem::new(StatusCode::REQUEST_TIMEOUT, "too-slow", detail)
    }
}

/// 413, with the setting.
pub fn too_large(max_bytes: u64) -> Problem {
    let detail = format!("the file is larger than files.file_max_bytes, {max_bytes}; nothing is stored");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail).with("limit_bytes", max_bytes)
}
