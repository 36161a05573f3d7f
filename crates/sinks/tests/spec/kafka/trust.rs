//! TLS, and who may come in.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;

use weir_core::sink::{Receipt, Sink};
use weir_core::testkit::sink::batch;
use weir_sinks::kafka::{Connection, KafkaSettings, TlsFiles};

use crate::kafka::server::Server;
use crate::kafka::{assert_blocked, events, start};

const SUITE: &str = "Kafka sink by TLS, with users";

fn own(settings: &[(&str, &str)]) -> BTreeMap<String, String> {
    settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn as_user(mechanism: &str, user: &str, password: &str) -> BTreeMap<String, String> {
    own(&[("sasl.mechanism", mechanism), ("sasl.username", user), ("sasl.password", password)])
}

/// Issues the same token to whoever knows the secret; that it has no signature is for the broker to mind.
fn issuer() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/token", listener.local_addr().unwrap());
    let token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ3ZWlyIiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjQxMDI0NDQ4MDB9.";
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4_096];
            let count = stream.read(&mut request).unwrap();
            // `weir:issuer-secret`
            let is_known = String::from_utf8_lossy(&request[..count]).contains("d2Vpcjppc3N1ZXItc2VjcmV0");
            let (status, body) = match is_known {
                true => ("200 OK", format!(r#"{{"access_token":"{token}","expires_in":300}}"#)),
                false => ("401 Unauthorized", String::new()),
            };
            let head =
                format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            stream.write_all((head + &body).as_bytes()).unwrap();
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn users_come_in_by_tls_and_do_what_they_may() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let options = ["--sasl", "--tls", certificate.to_str().unwrap(), key.to_str().unwrap()];
    let Some(server) = Server::start_with(SUITE, &options) else { return };
    server.make("t", 1, &[]).await;
    let with = |own: BTreeMap<String, String>, ca: Option<&PathBuf>| {
        let tls = Some(TlsFiles { ca: ca.cloned(), ..TlsFiles::default() });
        let connection = Connection { brokers: server.brokers(), tls, own };
        start(&KafkaSettings { connection, ..server.settings("t") })
    };
    let ca = Some(&certificate);

    for (at, mechanism) in (0..).zip(["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]) {
        let sink = with(as_user(mechanism, "weir", "weir-password"), ca);
        sink.check().await.unwrap();
        let receipt = sink.deliver(&batch("p", events(at..at + 1))).await.unwrap();
        assert_eq!(receipt, Receipt::default(), "{mechanism}");
        let wrong = with(as_user(mechanism, "weir", "wrong"), ca);
        assert_blocked(wrong.check().await, &["uthentication failed", "password"]);
        assert_blocked(
            wrong.deliver(&batch("p", events(9..10))).await,
            &["uthentication failed", "password"],
        );
    }
    let unsigned = [
        ("sasl.mechanism", "OAUTHBEARER"),
        ("enable.sasl.oauthbearer.unsecure.jwt", "true"),
        ("sasl.oauthbearer.config", "principal=weir"),
    ];
    with(own(&unsigned), ca).deliver(&batch("p", events(3..4))).await.unwrap();
    let issuer = issuer();
    let issued = |secret: &str| {
        own(&[
            ("sasl.mechanism", "OAUTHBEARER"),
            ("sasl.oauthbearer.method", "oidc"),
            ("sasl.oauthbearer.token.endpoint.url", &issuer),
            ("sasl.oauthbearer.client.id", "weir"),
            ("sasl.oauthbearer.client.secret", secret),
        ])
    };
    with(issued("issuer-secret"), ca).deliver(&batch("p", events(4..5))).await.unwrap();
    assert_blocked(with(issued("wrong"), ca).check().await, &["401", "secret"]);
    assert_eq!(server.pages("t"), [0, 1, 2, 3, 4]);

    let guest = with(as_user("PLAIN", "guest", "guest-password"), ca);
    assert_blocked(guest.check().await, &["Write on the topic"]);
    assert_blocked(guest.deliver(&batch("p", events(9..10))).await, &["transactional ids", "exactly_once"]);
    let stranger = with(as_user("PLAIN", "weir", "weir-password"), None);
    assert_blocked(stranger.deliver(&batch("p", events(9..10))).await, &["tls.ca"]);
    assert_eq!(server.pages("t").len(), 5);
}
