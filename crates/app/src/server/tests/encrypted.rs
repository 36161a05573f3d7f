//! TLS on real sockets, and clients that do not get as far as a request.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{PATIENCE, Running, VIEW, post, rest, settings, until};
use crate::api::ApiSettings;
use crate::certificate::tests::Authority;
use crate::server::{Encryption, Listener, ServerSettings};

struct Encrypted {
    running: Running,
    encryption: Encryption,
    authority: Authority,
}

impl Encrypted {
    async fn with(settings: ServerSettings, api: ApiSettings) -> Self {
        let authority = Authority::new();
        let encryption = Encryption::new(authority.issue()).unwrap();
        let listen = |socket| Listener::encrypted(socket, encryption.clone());
        let running = Running::on(settings, api, listen).await;
        Self { running, encryption, authority }
    }

    /// A client that trusts the authority.
    fn client(&self, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.authority.ca()).unwrap()).unwrap();
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth()
    }

    async fn shake_hands(&self, client: ClientConfig) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from("localhost").unwrap();
        let shaking = TlsConnector::from(Arc::new(client)).connect(name, self.running.connect().await);
        tokio::time::timeout(PATIENCE, shaking).await.expect("the server should have answered")
    }

    async fn connect(&self) -> TlsStream<TcpStream> {
        self.shake_hands(self.client(&[&TLS13])).await.unwrap()
    }

    /// Comes back when so many handshakes are counted as failed.
    async fn failed(&self, count: u64) {
        let line = format!("weir_http_tls_handshakes_failed_total {count}");
        let counting = async {
            while !self.running.here.get("/metrics").await.text().lines().any(|found| found == line) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, counting).await.expect(&line);
    }

    /// The certificate that a newcomer is shown.
    async fn shown(&self) -> CertificateDer<'static> {
        let stream = self.connect().await;
        stream.get_ref().1.peer_certificates().unwrap()[0].clone()
    }
}

async fn ordinary() -> Encrypted {
    Encrypted::with(ServerSettings::default(), ApiSettings::default()).await
}

#[tokio::test]
async fn both_versions_of_tls_carry_requests_one_after_the_other() {
    let encrypted = ordinary().await;
    for (offered, spoken) in [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)] {
        let mut socket = encrypted.shake_hands(encrypted.client(&[offered])).await.unwrap();
        assert_eq!(socket.get_ref().1.protocol_version(), Some(spoken));
        let requests = post("", VIEW).repeat(2) + &post("connection: close\r\n", VIEW);
        socket.write_all(requests.as_bytes()).await.unwrap();
        assert_eq!(rest(&mut socket).await.matches("HTTP/1.1 200 OK").count(), 3);
    }
    assert_eq!(encrypted.running.here.accepted(), 6);
}

#[tokio::test]
async fn the_version_of_http_is_agreed_on_in_the_handshake() {
    let encrypted = ordinary().await;
    for (offered, agreed) in
        [(vec!["h2", "http/1.1"], Some("h2")), (vec!["http/1.1"], Some("http/1.1")), (vec![], None)]
    {
        let mut client = encrypted.client(&[&TLS13]);
        client.alpn_protocols = offered.iter().map(|name| name.as_bytes().to_vec()).collect();
        let mut socket = encrypted.shake_hands(client).await.unwrap();
        assert_eq!(socket.get_ref().1.alpn_protocol(), agreed.map(str::as_bytes));
        if agreed == Some("h2") {
            socket.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
            let mut frame = [0; 9];
            socket.read_exact(&mut frame).await.unwrap();
            assert_eq!(frame[3], 4, "the server's SETTINGS");
        }
    }
    let mut client = encrypted.client(&[&TLS13]);
    client.alpn_protocols = vec![b"gopher".to_vec()];
    assert!(encrypted.shake_hands(client).await.is_err(), "there is nothing to agree on");
}

#[tokio::test]
async fn tls_of_an_age_that_is_not_safe_is_refused() {
    let encrypted = ordinary().await;
    let mut hello = vec![3, 2]; // TLS 1.1
    hello.extend([7; 32]); // random
    hello.extend([0, 0, 4, 0xC0, 0x13, 0xC0, 0x14, 1, 0]); // no session, two suites, no compression
    let mut message = vec![1, 0, 0, u8::try_from(hello.len()).unwrap()];
    message.extend(hello);
    let mut record = vec![22, 3, 1, 0, u8::try_from(message.len()).unwrap()];
    record.extend(message);
    let mut socket = encrypted.running.connect().await;
    socket.write_all(&record).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(PATIENCE, socket.read_to_end(&mut answer)).await.unwrap().unwrap();
    const ALERT: u8 = 21;
    assert!(answer.first() == Some(&ALERT) && answer.len() == 7, "an alert and nothing else: {answer:?}");
    assert_eq!(answer[5], 2, "a fatal one: {answer:?}");
}

#[tokio::test]
async fn a_client_that_speaks_plainly_is_told_what_is_spoken_here() {
    let encrypted = ordinary().await;
    for request in [post("", VIEW), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()] {
        let answer = encrypted.running.exchange(request).await;
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request"), "{answer}");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())), "{answer}");
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert!(problem["detail"].as_str().unwrap().contains("https://"), "{problem}");
    }
    assert_eq!(encrypted.running.here.accepted(), 0);
}

#[tokio::test]
async fn a_handshake_that_is_not_finished_is_cut_off() {
    let encrypted = Encrypted::with(settings(), ApiSettings::default()).await;
    for beginning in [&b""[..], b"\x16", b"\x16\x03\x01\x02\x00\x01", b"\0\0\0\0"] {
        let mut socket = encrypted.running.connect().await;
        socket.write_all(beginning).await.unwrap();
        rest(&mut socket).await;
    }
    let mut socket = encrypted.running.connect().await;
    socket.write_all(b"\x16\x03\x01\x40\x00\x01").await.unwrap();
    let dripping = async {
        while socket.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, dripping).await.expect("the server should have closed");
}

#[tokio::test]
async fn whoever_comes_no_further_than_the_handshake_is_counted() {
    let encrypted = Encrypted::with(settings(), ApiSettings::default()).await;
    encrypted.connect().await;
    encrypted.failed(0).await;

    encrypted.running.exchange(post("", VIEW)).await;
    encrypted.failed(1).await;

    let stranger = ordinary().await.client(&[&TLS13]);
    encrypted.shake_hands(stranger).await.unwrap_err();
    encrypted.failed(2).await;

    let mut dawdler = encrypted.running.connect().await;
    dawdler.write_all(b"\x16").await.unwrap();
    rest(&mut dawdler).await;
    encrypted.failed(3).await;
}

#[tokio::test]
async fn whoever_leaves_without_a_word_has_shaken_no_hands() {
    let encrypted = ordinary().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let look = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    drop(look);
    let (stream, _) = listener.accept().await.unwrap();
    assert!(encrypted.encryption.greet(stream).await.unwrap().is_none());
}

#[tokio::test]
async fn those_that_dawdle_over_the_handshake_hold_up_nobody() {
    let encrypted = ordinary().await;
    let mut dawdlers = Vec::new();
    for _ in 0..50 {
        let mut socket = encrypted.running.connect().await;
        socket.write_all(b"\x16\x03").await.unwrap();
        dawdlers.push(socket);
    }
    let mut socket = encrypted.connect().await;
    socket.write_all(post("", VIEW).as_bytes()).await.unwrap();
    until(&mut socket, "200 OK").await;

    // Nor do they hold up the end.
    drop(socket);
    encrypted.running.stop.cancel();
    tokio::time::timeout(PATIENCE, encrypted.running.server).await.expect("it should have ended").unwrap();
}

#[tokio::test]
async fn a_connection_beyond_the_limit_is_closed_without_a_handshake() {
    let one = ServerSettings { connections_max: 1, ..ServerSettings::default() };
    let encrypted = Encrypted::with(one, ApiSettings::default()).await;
    let first = encrypted.connect().await;
    assert!(encrypted.shake_hands(encrypted.client(&[&TLS13])).await.is_err());
    drop(first);
    while encrypted.shake_hands(encrypted.client(&[&TLS13])).await.is_err() {}
}

#[tokio::test]
async fn a_new_certificate_is_shown_to_newcomers_and_a_broken_one_to_nobody() {
    let encrypted = ordinary().await;
    let first = encrypted.shown().await;
    let mut early = encrypted.connect().await;
    assert_eq!(encrypted.encryption.look().await, Ok(false));

    // Half of the pair is replaced.
    let files = encrypted.authority.issue();
    let key = std::fs::read_to_string(&files.key).unwrap();
    encrypted.authority.file("key.pem", "half a ke");
    encrypted.encryption.look().await.unwrap_err();
    assert_eq!(encrypted.shown().await, first);

    encrypted.authority.file("key.pem", &key);
    assert_eq!(encrypted.encryption.look().await, Ok(true));
    let second = encrypted.shown().await;
    assert_eq!(second, CertificateDer::from_pem_file(&files.cert).unwrap());
    assert_ne!(second, first);

    early.write_all(post("", VIEW).as_bytes()).await.unwrap();
    until(&mut early, "200 OK").await;
}

#[tokio::test]
async fn an_idle_connection_is_closed_as_tls_has_it() {
    let encrypted = Encrypted::with(settings(), ApiSettings::default()).await;
    let mut socket = encrypted.connect().await;
    socket.write_all(post("", VIEW).as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // An end without a goodbye, which anybody on the way could bring about, would be an error.
    tokio::time::timeout(PATIENCE, socket.read_to_end(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn an_answer_that_nobody_reads_does_not_hold_its_connection() {
    let encrypted = Encrypted::with(settings(), ApiSettings::default()).await;
    let mut socket = encrypted.connect().await;
    let request =
        format!("GET /openapi.json HTTP/1.1\r\nhost: w\r\nauthorization: Bearer {}\r\n\r\n", super::KEY);
    let flooding =
        async { while socket.write_all(request.as_bytes()).await.is_ok() && socket.flush().await.is_ok() {} };
    tokio::time::timeout(PATIENCE, flooding).await.expect("the server should have closed");
}

#[tokio::test]
async fn a_client_that_sends_on_regardless_still_hears_why_it_was_refused() {
    let api = ApiSettings { body_max_bytes: 1000, ..ApiSettings::default() };
    let encrypted = Encrypted::with(ServerSettings::default(), api).await;
    let mut socket = encrypted.connect().await;
    let request = post("", &"x".repeat(20_000_000));
    tokio::time::timeout(PATIENCE, socket.write_all(request.as_bytes())).await.unwrap().unwrap();
    let answer = until(&mut socket, "\r\n\r\n").await;
    assert!(answer.contains("413 Payload Too Large"), "{answer}");
}
