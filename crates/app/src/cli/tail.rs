//! `weir tail`

use std::time::Duration;

use anyhow::{Context, bail};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, Response};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::arguments::TailOptions;
use super::client::Client;
use super::{Verdict, output};
use crate::logging::escaped;

/// The server sends an empty line more often than this.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// A tail may last as long as it likes; a request needs some limit.
const LONGEST: Duration = Duration::from_secs(365 * 86_400);
/// Larger than any line that the server sends.
const LINE_MAX_BYTES: usize = 256 * 1024 * 1024;

#[derive(Deserialize)]
struct Line<'a> {
    stream: String,
    received_at: String,
    user_id: Option<String>,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
}

/// Prints events as they come, until Ctrl-C, which is a good end.
pub async fn follow(client: &Client, options: &TailOptions, json: bool) -> anyhow::Result<Verdict> {
    let path = match &options.stream {
        Some(stream) => format!("/v1/tail?stream={}", utf8_percent_encode(stream, NON_ALPHANUMERIC)),
        None => "/v1/tail".to_owned(),
    };
    let request = client.request(Method::GET, &path).timeout(LONGEST);
    let response = client.answered(request.send().await).await?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => Ok(Verdict::Well),
        ended = print_lines(client, response, json) => ended,
    }
}

async fn print_lines(client: &Client, mut response: Response, json: bool) -> anyhow::Result<Verdict> {
    let mut pending = Vec::new();
    loop {
        let chunk = tokio::time::timeout(SILENCE_MAX, response.chunk()).await;
        let chunk = chunk.with_context(|| format!("{} has fallen silent", client.address()))?;
        let Some(chunk) = chunk.map_err(|error| client.unreachable(&error))? else {
            bail!("{} ended the stream, as it does when it stops", client.address());
        };
        pending.extend_from_slice(&chunk);
        let whole = pending.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let text: String = pending[..whole]
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| shown(&String::from_utf8_lossy(line), json))
            .collect();
        output::print(&text)?;
        pending.drain(..whole);
        if pending.len() > LINE_MAX_BYTES {
            bail!("{} sends a line without an end", client.address());
        }
    }
}

// Within JSON only texts can hold a control character, and there the escape means the same.
fn shown(line: &str, json: bool) -> String {
    let parsed = if json { None } else { serde_json::from_str::<Line<'_>>(line).ok() };
    let text = match parsed {
        Some(Line { stream, received_at, user_id, event }) => {
            let user = user_id.map(|user| format!(" {user}")).unwrap_or_default();
            format!("{received_at} {stream}{user} {}", event.map_or("null", RawValue::get))
        }
        None => line.to_owned(),
    };
    format!("{}\n", escaped(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_shows_when_where_who_and_what() {
        let line = r#"{"id":"x","stream":"events","received_at":"T","user_id":"al","event":{"page":"/"}}"#;
        assert_eq!(shown(line, false), "T events al {\"page\":\"/\"}\n");
        assert_eq!(shown(line, true), format!("{line}\n"));
        assert_eq!(shown("{\"a\":\"\u{9b}31m\"}", true), "{\"a\":\"\\u009b31m\"}\n");
    }
}
