//! Real sockets, and clients that behave badly on them.

mod encrypted;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Listener, ServerSettings, serve};
use crate::api::tests::here::{Here, KEY};
use crate::api::{ApiSettings, Door, Entrance};

const VIEW: &str = r#"{"page":"/","event":"view"}"#;
/// For whatever should happen soon; reached only where it does not.
const PATIENCE: Duration = Duration::from_secs(20);

struct Running {
    here: Here,
    address: SocketAddr,
    stop: CancellationToken,
    server: JoinHandle<()>,
}

impl Running {
    async fn with(settings: ServerSettings, api: ApiSettings) -> Self {
        Self::on(settings, api, Listener::from).await
    }

    async fn on<L: FnOnce(TcpListener) -> Listener>(
        limits: ServerSettings,
        api: ApiSettings,
        listen: L,
    ) -> Self {
        let here = Here::with(api).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let entrance = Entrance { api: here.api.clone(), door: Door::Main };
        let server = tokio::spawn(serve(listen(listener), Arc::new(entrance), limits, stop.clone()));
        Self { here, address, stop, server }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends the bytes and reads until the server closes.
    async fn exchange(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut socket = self.connect().await;
        // The server may have said no, and gone, before all is sent.
        let _ = socket.write_all(bytes.as_ref()).await;
        rest(&mut socket).await
    }
}

/// What comes until the other side closes.
async fn rest(socket: &mut (impl AsyncRead + Unpin)) -> String {
    let mut answer = Vec::new();
    let reading = socket.read_to_end(&mut answer);
    // A reset is an end, too.
    let _ = tokio::time::timeout(PATIENCE, reading).await.expect("the server should have closed");
    String::from_utf8_lossy(&answer).into_owned()
}

/// What comes until this text has come.
async fn until(socket: &mut (impl AsyncRead + Unpin), text: &str) -> String {
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains(text) {
        let mut bytes = [0; 4096];
        let size = tokio::time::timeout(PATIENCE, socket.read(&mut bytes)).await.expect(text).unwrap();
        assert!(size > 0, "closed before {text:?}: {}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&bytes[..size]);
    }
    String::from_utf8_lossy(&seen).into_owned()
}

fn settings() -> ServerSettings {
    ServerSettings {
        head_timeout: Duration::from_millis(150),
        idle_timeout: Duration::from_millis(300),
        write_timeout: Duration::from_millis(300),
        ..ServerSettings::default()
    }
}

fn post(more: &str, body: &str) -> String {
    let size = body.len();
    format!(
        "POST /events HTTP/1.1\r\nhost: w\r\nauthorization: Bearer {KEY}\r\ncontent-length: {size}\r\n{more}\r\n{body}"
    )
}

#[tokio::test]
async fn requests_follow_one_another_on_a_connection_and_may_be_sent_ahead() {
    let running = Running::with(ServerSettings::default(), ApiSettings::default()).await;
    let requests = post("", VIEW).repeat(2) + &post("connection: close\r\n", VIEW);
    let answers = running.exchange(requests).await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 3, "{answers}");
    assert_eq!(running.here.accepted(), 3);
}

#[tokio::test]
async fn http2_is_spoken_to_whoever_begins_with_its_preface() {
    let running = Running::with(settings(), ApiSettings::default()).await;
    let mut socket = running.connect().await;
    socket.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut frame = [0; 9];
    tokio::time::timeout(PATIENCE, socket.read_exact(&mut frame)).await.unwrap().unwrap();
    assert_eq!(frame[3], 4, "the server's SETTINGS");
}

#[tokio::test]
async fn a_client_that_says_nothing_or_too_little_is_cut_off() {
    let running = Running::with(settings(), ApiSettings::default()).await;
    for beginning in ["", "P", "PRI * HTTP/2.0\r\n", "POST /events HTTP/1.1\r\nhost: w\r\n"] {
        assert_eq!(running.exchange(beginning).await, "", "{beginning:?}");
    }
}

#[tokio::test]
async fn a_head_that_comes_byte_by_byte_is_cut_off_though_it_never_stops() {
    let running = Running::with(settings(), ApiSettings::default()).await;
    let mut socket = running.connect().await;
    let dripping = async {
        while socket.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, dripping).await.expect("the server should have closed");
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let running = Running::with(settings(), ApiSettings::default()).await;
    let answer = running.exchange(post("", VIEW)).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_is_told_408() {
    let api = ApiSettings { body_timeout: Duration::from_millis(150), ..ApiSettings::default() };
    let running = Running::with(settings(), api).await;
    let mut request = post("", VIEW);
    request.truncate(request.len() - 1);
    let answer = running.exchange(request).await;
    assert!(answer.starts_with("HTTP/1.1 408 Request Timeout"), "{answer}");
    assert!(answer.contains("urn:weir:problem:too-slow"), "{answer}");
}

#[tokio::test]
async fn a_connection_beyond_the_limit_is_told_503_and_closed() {
    let running = Running::with(
        ServerSettings { connections_max: 1, ..ServerSettings::default() },
        ApiSettings::default(),
    )
    .await;
    let mut first = running.connect().await;
    first.write_all(post("", VIEW).as_bytes()).await.unwrap();
    until(&mut first, "200 OK").await;
    let answer = running.exchange(post("", VIEW)).await;
    assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable"), "{answer}");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(
        head.contains("retry-after: 1") && head.contains(&format!("content-length: {}", body.len())),
        "{answer}"
    );
    serde_json::from_str::<serde_json::Value>(body).unwrap();
    drop(first);
    while !running.exchange(post("connection: close\r\n", VIEW)).await.starts_with("HTTP/1.1 200") {}
}

#[tokio::test]
async fn broken_requests_get_an_error_and_no_event() {
    let running = Running::with(settings(), ApiSettings::default()).await;
    let many_headers: String = (0..200).map(|n| format!("x-{n}: y\r\n")).collect();
    for (name, request) in [
        ("both lengths", post("transfer-encoding: chunked\r\n", "0\r\n\r\n")),
        ("two lengths", post("content-length: 3\r\n", VIEW)),
        ("a negative length", post("", VIEW).replace("content-length: 2", "content-length: -2")),
        ("a length that is no number", post("", VIEW).replace("content-length: ", "content-length: x")),
        ("an unknown transfer encoding", post("transfer-encoding: gzip\r\n", "")),
        ("a header without a colon", post("nonsense\r\n", VIEW)),
        ("a header with a NUL", post("x: a\0b\r\n", VIEW)),
        ("a folded header", post("x: a\r\n b\r\n", VIEW)),
        ("too many headers", post(&many_headers, VIEW)),
        ("a head without end", post(&format!("x: {}\r\n", "a".repeat(200_000)), VIEW)),
        ("no HTTP", "hello\r\n\r\n".to_owned()),
        ("HTTP of another age", "GET /ping HTTP/3.0\r\n\r\n".to_owned()),
        ("TLS", "\x16\x03\x01\x02\0\x01\0\x01\u{7f}\x03\x03".to_owned()),
        (
            "a chunk whose size is no number",
            post("", VIEW).replace(&format!("content-length: {}", VIEW.len()), "transfer-encoding: chunked"),
        ),
    ] {
        let answer = running.exchange(&request).await;
        let told = answer.is_empty() || answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.0 4");
        assert!(told, "{name}: {answer}");
    }
    assert_eq!(running.here.accepted(), 0);
}

#[tokio::test]
async fn a_client_that_sends_on_regardless_still_hears_why_it_was_refused() {
    let api = ApiSettings { body_max_bytes: 1000, ..ApiSettings::default() };
    let running = Running::with(ServerSettings::default(), api).await;
    let body = "x".repeat(20_000_000);
    for (request, expected) in [
        (post("", &body), "413 Payload Too Large"),
        (post("", &body).replace(KEY, "wrong"), "401 Unauthorized"),
    ] {
        let mut socket = running.connect().await;
        tokio::time::timeout(PATIENCE, socket.write_all(request.as_bytes())).await.unwrap().unwrap();
        let answer = until(&mut socket, "\r\n\r\n").await;
        assert!(answer.contains(expected), "{answer}");
    }
}

#[tokio::test]
async fn a_body_cut_short_is_no_event() {
    let running = Running::with(settings(), ApiSettings::default()).await;
    let mut socket = running.connect().await;
    let request = post("", VIEW);
    socket.write_all(&request.as_bytes()[..request.len() - 3]).await.unwrap();
    socket.shutdown().await.unwrap();
    rest(&mut socket).await;
    assert_eq!(running.here.accepted(), 0);
}

#[tokio::test]
async fn an_answer_that_nobody_reads_does_not_hold_its_connection() {
    let running = Running::with(settings(), ApiSettings::default()).await;
    let mut socket = running.connect().await;
    let request = format!("GET /openapi.json HTTP/1.1\r\nhost: w\r\nauthorization: Bearer {KEY}\r\n\r\n");
    // Sent until the server, whose answers find no room, takes no more, and then until it is gone.
    let flooding = async { while socket.write_all(request.as_bytes()).await.is_ok() {} };
    tokio::time::timeout(PATIENCE, flooding).await.expect("the server should have closed");
}

#[tokio::test]
async fn told_to_stop_it_answers_what_is_under_way_and_takes_nothing_more() {
    let running = Running::with(ServerSettings::default(), ApiSettings::default()).await;
    let (mut idle, mut busy) = (running.connect().await, running.connect().await);
    idle.write_all(post("", VIEW).as_bytes()).await.unwrap();
    until(&mut idle, "200 OK").await;
    let request = post("expect: 100-continue\r\n", VIEW);
    let (head, body) = request.split_at(request.len() - VIEW.len());
    busy.write_all(head.as_bytes()).await.unwrap();
    // By this it is known that the request has reached its handler.
    until(&mut busy, "100 Continue").await;
    running.stop.cancel();
    rest(&mut idle).await;
    busy.write_all(body.as_bytes()).await.unwrap();
    let answer = rest(&mut busy).await;
    assert!(answer.contains("200 OK") && answer.contains("connection: close"), "{answer}");
    tokio::time::timeout(PATIENCE, running.server).await.expect("the server should have ended").unwrap();
    assert!(TcpStream::connect(running.address).await.is_err());
    assert_eq!(running.here.accepted(), 2);
}

#[tokio::test]
async fn what_is_not_done_within_the_drains_time_is_cut_off() {
    let settings = ServerSettings { drain_timeout: Duration::from_millis(100), ..ServerSettings::default() };
    let running = Running::with(settings, ApiSettings::default()).await;
    let mut busy = running.connect().await;
    let request = post("expect: 100-continue\r\n", VIEW);
    busy.write_all(&request.as_bytes()[..request.len() - VIEW.len()]).await.unwrap();
    until(&mut busy, "100 Continue").await;
    running.stop.cancel();
    rest(&mut busy).await;
    tokio::time::timeout(PATIENCE, running.server).await.expect("the server should have ended").unwrap();
}

#[tokio::test]
async fn a_live_answer_ends_when_its_client_goes() {
    let api = ApiSettings { tails_max: 1, ..ApiSettings::default() };
    let running = Running::with(settings(), api).await;
    let request = format!("GET /v1/tail HTTP/1.1\r\nhost: w\r\nauthorization: Bearer {KEY}\r\n\r\n");
    let mut live = running.connect().await;
    live.write_all(request.as_bytes()).await.unwrap();
    until(&mut live, "x-ndjson").await;
    running.exchange(post("connection: close\r\n", VIEW)).await;
    // It outlives the idle limit while it is read.
    until(&mut live, "\"event\":{\"page\":\"/\",\"event\":\"view\"}").await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    running.exchange(post("connection: close\r\n", VIEW)).await;
    until(&mut live, "\"event\":{").await;
    drop(live);
    let next = async || {
        let mut socket = running.connect().await;
        socket.write_all(request.as_bytes()).await.unwrap();
        until(&mut socket, "\r\n\r\n").await
    };
    while next().await.starts_with("HTTP/1.1 503") {}
}
