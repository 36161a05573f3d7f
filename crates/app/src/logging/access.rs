//! The log of requests. On the way of every request, so it formats into a buffer that is kept, without serde.

use std::cell::RefCell;
use std::fmt::Write;
use std::net::IpAddr;
use std::time::Duration;

use weir_core::time::Timestamp;

use super::escape::{push_json, push_text};
use super::{Lines, Style, ecs, text};
use crate::config::AccessLogMode;

const MICROS_PER_SECOND: i64 = 1_000_000;

/// What is told of a request. The query is not: somebody might have put a key there.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// When it was answered.
    pub at: Timestamp,
    /// Its method.
    pub method: &'a str,
    /// Its path, without the query.
    pub path: &'a str,
    /// The answer's status.
    pub status: u16,
    /// The client, as trusted proxies tell it.
    pub client_ip: Option<IpAddr>,
    /// Bytes of the request's body.
    pub bytes_in: u64,
    /// Bytes of the answer's body.
    pub bytes_out: u64,
    /// From its first line read to its answer made.
    pub duration: Duration,
    /// What the answer's `x-request-id` says.
    pub request_id: &'a str,
    /// The credential's name, where one was right. Never the secret.
    pub credential: Option<&'a str>,
}

/// Writes a line a request. Cheap to clone.
#[derive(Clone)]
pub struct AccessLog {
    lines: Option<Lines>,
    style: Style,
    status_min: u16,
}

impl AccessLog {
    pub(super) fn new(lines: Lines, style: Style, mode: AccessLogMode) -> Self {
        let (lines, status_min) = match mode {
            AccessLogMode::On => (Some(lines), 0),
            AccessLogMode::Errors => (Some(lines), 400),
            AccessLogMode::Off => (None, 0),
        };
        Self { lines, style, status_min }
    }

    /// One that says nothing.
    pub fn silent() -> Self {
        Self { lines: None, style: Style::Json, status_min: 0 }
    }

    /// Writes the request's line, unless the setting leaves it out. Never waits.
    pub fn write(&self, request: &Request<'_>) {
        let Some(lines) = &self.lines else { return };
        if request.status < self.status_min {
            return;
        }
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.line.clear();
            match self.style {
                Style::Json => scratch.push_json(request),
                Style::Text { colored } => scratch.push_text(request, colored),
            }
            lines.push(&scratch.line);
        });
    }
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// A thread's line in the making, and what it last wrote out that mostly comes again: the second, and the client.
#[derive(Default)]
struct Scratch {
    line: String,
    second: Option<i64>,
    second_text: String,
    client: Option<IpAddr>,
    client_text: String,
}

// Writing to a String cannot fail, so the results of `write!` are passed over.
impl Scratch {
    fn push_json(&mut self, request: &Request<'_>) {
        self.line.push_str("{\"@timestamp\":\"");
        self.push_time(request.at);
        let line = &mut self.line;
        line.push_str("\",\"log.level\":\"");
        line.push_str(if request.status >= 500 { "error" } else { "info" });
        line.push_str("\",\"message\":\"");
        push_json(line, request.method);
        line.push(' ');
        push_json(line, request.path);
        push_number(line, " ", request.status.into());
        line.push_str("\",\"ecs.version\":\"");
        line.push_str(ecs::ECS_VERSION);
        line.push_str("\",\"service.name\":\"weir\",\"event.dataset\":\"weir.access\"");
        push_member(line, "http.request.method", request.method);
        push_member(line, "url.path", request.path);
        push_number(line, ",\"http.response.status_code\":", request.status.into());
        push_number(line, ",\"http.request.body.bytes\":", request.bytes_in);
        push_number(line, ",\"http.response.body.bytes\":", request.bytes_out);
        let nanos = u64::try_from(request.duration.as_nanos()).unwrap_or(u64::MAX);
        push_number(line, ",\"event.duration\":", nanos);
        push_member(line, "http.request.id", request.request_id);
        if let Some(credential) = request.credential {
            push_member(line, "user.name", credential);
        }
        if let Some(ip) = request.client_ip {
            self.line.push_str(",\"client.ip\":\"");
            self.push_client(ip);
            self.line.push('"');
        }
        self.line.push_str("}\n");
    }

    fn push_text(&mut self, request: &Request<'_>, colored: bool) {
        let (dim, plain) = if colored { (text::DIM, text::PLAIN) } else { ("", "") };
        let color = match request.status {
            _ if !colored => "",
            ..400 => "\x1b[32m",
            400..500 => "\x1b[33m",
            500.. => "\x1b[31m",
        };
        self.line.push_str(dim);
        self.push_time(request.at);
        let line = &mut self.line;
        let _ = write!(line, "{plain} {color}{}{plain} ", request.status);
        push_text(line, request.method);
        line.push(' ');
        push_text(line, request.path);
        let micros = request.duration.as_micros();
        let _ = write!(line, "{dim} {}.{:03}ms", micros / 1000, micros % 1000);
        let _ = write!(line, " in={}B out={}B", request.bytes_in, request.bytes_out);
        if let Some(ip) = request.client_ip {
            line.push_str(" from=");
            self.push_client(ip);
        }
        let line = &mut self.line;
        line.push_str(" by=");
        push_text(line, request.credential.unwrap_or("-"));
        line.push_str(" id=");
        push_text(line, request.request_id);
        line.push_str(plain);
        line.push('\n');
    }

    fn push_client(&mut self, ip: IpAddr) {
        if self.client != Some(ip) {
            self.client = Some(ip);
            self.client_text.clear();
            let _ = write!(self.client_text, "{ip}");
        }
        self.line.push_str(&self.client_text);
    }

    fn push_time(&mut self, at: Timestamp) {
        let second = at.as_micros().div_euclid(MICROS_PER_SECOND);
        let fraction = at.as_micros().rem_euclid(MICROS_PER_SECOND);
        if self.second != Some(second) {
            self.second = Some(second);
            self.second_text = Timestamp::from_micros(second * MICROS_PER_SECOND).to_string();
            // Up to and with the point: "2026-11-22T09:00:00."
            self.second_text.truncate(20);
        }
        self.line.push_str(&self.second_text);
        let mut digits = [b'0'; 6];
        let mut rest = fraction;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
        push_digits(&mut self.line, &digits);
        self.line.push('Z');
    }
}

fn push_member(line: &mut String, name: &str, value: &str) {
    line.push_str(",\"");
    line.push_str(name);
    line.push_str("\":\"");
    push_json(line, value);
    line.push('"');
}

// `write!` costs several times as much.
fn push_number(line: &mut String, before: &str, mut number: u64) {
    line.push_str(before);
    let mut digits = [0_u8; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    push_digits(line, &digits[start..]);
}

fn push_digits(line: &mut String, digits: &[u8]) {
    // Digits are always UTF-8; to check so few is cheaper than to push them one by one.
    line.push_str(std::str::from_utf8(digits).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn request() -> Request<'static> {
        Request {
            at: Timestamp::from_micros(1_795_338_000_000_001),
            method: "POST",
            path: "/events",
            status: 200,
            client_ip: Some(IpAddr::from([10, 1, 2, 3])),
            bytes_in: 12,
            bytes_out: 0,
            duration: Duration::from_nanos(1_234_567),
            request_id: "0198-a",
            credential: Some("key:app"),
        }
    }

    fn logged(style: Style, mode: AccessLogMode, requests: &[Request<'_>]) -> String {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let lines = Lines::start(Box::new(writer), style).unwrap();
        let log = AccessLog::new(lines.clone(), style, mode);
        requests.iter().for_each(|request| log.write(request));
        lines.push("end\n");
        lines.flush(Duration::from_secs(20));
        let mut bytes = [0; 4096];
        let count = reader.read(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..count]).trim_end_matches("end\n").to_owned()
    }

    #[test]
    fn a_request_is_one_json_line_with_the_names_of_the_elastic_common_schema() {
        let line = logged(Style::Json, AccessLogMode::On, &[request()]);
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        let expected = serde_json::json!({
            "@timestamp": "2026-11-22T09:00:00.000001Z",
            "log.level": "info",
            "message": "POST /events 200",
            "ecs.version": "8.11.0",
            "service.name": "weir",
            "event.dataset": "weir.access",
            "http.request.method": "POST",
            "url.path": "/events",
            "http.response.status_code": 200,
            "http.request.body.bytes": 12,
            "http.response.body.bytes": 0,
            "event.duration": 1_234_567,
            "http.request.id": "0198-a",
            "client.ip": "10.1.2.3",
            "user.name": "key:app",
        });
        assert_eq!(line, expected);
    }

    #[test]
    fn on_a_terminal_a_request_is_a_line_of_text() {
        let line = logged(Style::Text { colored: false }, AccessLogMode::On, &[request()]);
        let expected = "2026-11-22T09:00:00.000001Z 200 POST /events 1.234ms in=12B out=0B from=10.1.2.3 \
                        by=key:app id=0198-a\n";
        assert_eq!(line, expected);
    }

    #[test]
    fn a_client_cannot_forge_a_line() {
        let path = "/x\",\"user.name\":\"root\n\x1b[2J{}";
        let forging = Request { path, request_id: "a\r\nb", ..request() };
        let json = logged(Style::Json, AccessLogMode::On, &[forging]);
        let text = logged(Style::Text { colored: false }, AccessLogMode::On, &[forging]);
        assert_eq!((json.lines().count(), text.lines().count()), (1, 1));
        assert!(!text.contains('\x1b') && !json.contains('\x1b'));
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!((json["url.path"].as_str(), json["user.name"].as_str()), (Some(path), Some("key:app")));
    }

    #[test]
    fn the_second_is_written_anew_when_it_changes() {
        let later = |micros| Request { at: Timestamp::from_micros(micros), ..request() };
        let requests = [later(-1), later(0), later(999_999), later(1_000_000)];
        let lines = logged(Style::Text { colored: false }, AccessLogMode::On, &requests);
        let times: Vec<&str> = lines.lines().filter_map(|line| line.split(' ').next()).collect();
        assert_eq!(times, requests.map(|request| request.at.to_string()));
    }

    #[test]
    fn the_setting_says_which_requests_are_told() {
        let failed = Request { status: 503, ..request() };
        let count = |mode| logged(Style::Json, mode, &[request(), failed]).lines().count();
        assert_eq!(count(AccessLogMode::On), 2);
        assert_eq!(count(AccessLogMode::Errors), 1);
        assert_eq!(count(AccessLogMode::Off), 0);
    }
}
