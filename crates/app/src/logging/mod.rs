//! What Weir says about its work: on standard error, as text for people or as JSON for machines.
//!
//! **Constraints.** Logging never waits for whoever reads it: a line goes into a bounded buffer, and where the
//! reader is stuck it is dropped and counted. Nothing from outside can forge a line: control characters are
//! escaped in either form. Secrets are not hidden here; they must not get here.

mod access;
mod batches;
mod ecs;
mod escape;
mod fields;
mod layer;
mod lines;
#[cfg(test)]
mod tests;
mod text;

use std::io::{IsTerminal, Write};
use std::time::{Duration, SystemTime};

use tracing_subscriber::filter::{Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use weir_core::time::Timestamp;

pub use access::{AccessLog, Request};
pub use batches::BatchLines;
pub use escape::escaped;
pub use lines::Lines;

use crate::config::{AccessLogMode, LogFormat};

/// How long the end of the process waits for the last lines to be read.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// This library shows messages whole, and how it logs in; its errors are ours to tell.
const KEPT_OUT: &str = "lapin";

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// JSON in the Elastic Common Schema.
    Json,
    /// Text for people.
    Text {
        /// With the terminal's colours.
        colored: bool,
    },
}

impl Style {
    /// The style that the setting means for a standard error like this process's.
    pub fn of(format: LogFormat) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let colored = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        match format {
            LogFormat::Json => Self::Json,
            LogFormat::Auto if !terminal => Self::Json,
            LogFormat::Auto | LogFormat::Text => Self::Text { colored },
        }
    }
}

/// Logging under way. Dropping it hands over what is left, for at most a second.
pub struct Logs {
    lines: Lines,
    style: Style,
}

/// Reads a level, or pairs of target and level: `info`, `warn,weir=debug`.
pub fn parse_level(text: &str) -> Result<Targets, tracing_subscriber::filter::ParseError> {
    text.trim().parse()
}

/// Begins to log to standard error whatever [`tracing`] is told from now on.
pub fn start(level: &str, format: LogFormat) -> anyhow::Result<Logs> {
    let style = Style::of(format);
    let logs = Logs::to(Box::new(std::io::stderr()), style)?;
    let layer = layer::LineLayer::new(logs.lines.clone(), style);
    let kept_in = filter_fn(|metadata| !metadata.target().starts_with(KEPT_OUT));
    tracing_subscriber::registry().with(parse_level(level)?).with(kept_in).with(layer).try_init()?;
    Ok(logs)
}

impl Logs {
    /// Logs that are written there; [`tracing`] knows nothing of them.
    pub(crate) fn to(output: Box<dyn Write + Send>, style: Style) -> std::io::Result<Self> {
        Ok(Self { lines: Lines::start(output, style)?, style })
    }

    /// A log of requests, beside what [`tracing`] is told.
    pub fn access_log(&self, mode: AccessLogMode) -> AccessLog {
        AccessLog::new(self.lines.clone(), self.style, mode)
    }

    /// Whether lines are for machines.
    pub fn are_json(&self) -> bool {
        self.style == Style::Json
    }

    /// Hands over what is left, for at most a second; for an end that drops nothing.
    pub fn flush(&self) {
        self.lines.flush(FLUSH_TIMEOUT);
    }

    /// How many lines were dropped because nobody read them.
    pub fn dropped(&self) -> u64 {
        self.lines.dropped()
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        self.flush();
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
