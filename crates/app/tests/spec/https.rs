//! The server speaks HTTPS, and its commands find it there.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use crate::harness::{Setup, Weir, until};

const EVENT: &str = r#"{"page":"/home","event":"click"}"#;
const TLS: &str = "[server]\ntls = { cert = \"cert.pem\", key = \"key.pem\" }\n";

/// Puts a certificate of a new authority into the folder, and the authority's own beside it.
fn issue(folder: &Path, authority: &str) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // A certificate whose issuer is called as itself would be taken for one that it signed itself.
    params.distinguished_name.push(DnType::CommonName, "an authority");
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    fs::write(folder.join(authority), issuer.as_ref().pem()).unwrap();
    fs::write(folder.join("cert.pem"), certificate.pem()).unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
}

/// What curl says: exit status, and its output without the line's end.
fn curl(weir: &Weir, authority: &str, arguments: &[&str], path: &str) -> (i32, String) {
    let address = format!("{}{path}", weir.base().replace("http://127.0.0.1", "https://localhost"));
    let key = format!("authorization: Bearer {}", weir.key());
    let output = Command::new("curl")
        .args(["--silent", "--max-time", "30", "--noproxy", "*", "--ipv4", "-H", &key, "--cacert"])
        .arg(weir.path(authority))
        .args(arguments)
        .arg(address)
        .output()
        .expect("curl is needed");
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn start() -> Weir {
    let mut weir = Weir::prepare(Setup::new().toml(TLS));
    issue(&weir.path(""), "ca.pem");
    weir.launch();
    until(Duration::from_secs(30), "Weir to be ready", || {
        assert!(weir.is_running(), "it ended instead of being ready");
        curl(&weir, "ca.pem", &["--fail"], "/readyz").0 == 0
    });
    weir
}

#[test]
fn events_are_taken_in_by_both_versions_of_http_and_of_tls() {
    let weir = start();
    for (arguments, expected) in [
        (["--http1.1", "--tls-max", "1.2"], "1.1 200"),
        (["--http1.1", "--tls-max", "1.3"], "1.1 200"),
        (["--http2", "--tls-max", "1.2"], "2 200"),
        (["--http2", "--tls-max", "1.3"], "2 200"),
    ] {
        let told = ["-o", "/dev/null", "-w", "%{http_version} %{http_code}", "--data", EVENT];
        let event = [&told[..], &["-H", "content-type: application/json"], &arguments].concat();
        assert_eq!(curl(&weir, "ca.pem", &event, "/events"), (0, expected.to_owned()), "{arguments:?}");
    }
    let rows = || weir.sqlite::<i64>("select count(*) from events") == [4];
    until(Duration::from_secs(30), "the events to be delivered", rows);
    assert!(weir.said().contains("listening on  https://127.0.0.1:"), "{}", weir.said());

    const HANDSHAKE_FAILED: i32 = 35;
    let (status, _) = curl(&weir, "ca.pem", &["--tlsv1.0", "--tls-max", "1.1"], "/ping");
    assert_eq!(status, HANDSHAKE_FAILED);
    let plain = weir.stranger().get("/ping").unwrap();
    assert!(plain.status == 400 && plain.body.contains("https://"), "{plain:?}");
}

#[test]
fn commands_find_the_server_and_believe_the_certificate_that_the_settings_name() {
    let weir = start();
    fs::write(weir.path("events.ndjson"), format!("{EVENT}\n")).unwrap();
    for command in [&["status"][..], &["send", "events.ndjson"], &["dead-letters", "list"]] {
        let output = weir.run(command);
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    // By another name, and beside settings that know nothing of it, an authority has to vouch.
    let elsewhere = ["status", "--config", "other.toml", "--data-dir", "data", "--url"];
    fs::write(weir.path("other.toml"), "").unwrap();
    let address = weir.base().replace("http://127.0.0.1", "https://localhost");
    let output = weir.run(&[&elsewhere[..], &[&address]].concat());
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && told.contains("--ca"), "{told}");
    let output = weir.run(&[&elsewhere[..], &[&address, "--ca", "ca.pem"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_certificate_that_is_replaced_is_shown_within_a_minute() {
    let weir = start();
    issue(&weir.path(""), "second.pem");
    let is_shown = || curl(&weir, "second.pem", &[], "/ping") == (0, "pong".to_owned());
    until(Duration::from_secs(60), "the new certificate to be shown", is_shown);
    assert_ne!(curl(&weir, "ca.pem", &[], "/ping").0, 0, "the first one is gone");
}

#[test]
fn files_that_cannot_be_used_keep_it_from_starting_and_are_told() {
    let weir = Weir::prepare(Setup::new().toml(TLS));
    let refused = || {
        let output = weir.run(&["run"]);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(refused().contains("weir.toml:2: `server.tls.cert` names no file: cert.pem"));
    issue(&weir.path(""), "ca.pem");
    fs::write(weir.path("key.pem"), KeyPair::generate().unwrap().serialize_pem()).unwrap();
    assert!(refused().contains("weir.toml:2: `server.tls.key` does not fit the certificate in cert.pem"));
}
