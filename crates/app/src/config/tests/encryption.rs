//! `server.tls`, and what is said where there is none.

use insta::assert_snapshot;

use super::{Place, with_file};
use crate::certificate::tests::Authority;

const TLS: &str = "[server]\ntls = { cert = \"cert.pem\", key = \"key.pem\" }\n";

/// A place whose `weir.toml` names files of this authority's folder.
fn beside(authority: &Authority, text: &str) -> Place {
    let folder = authority.folder().display();
    with_file(
        &text
            .replace("cert.pem", &format!("{folder}/cert.pem"))
            .replace("key.pem", &format!("{folder}/key.pem")),
    )
}

fn problems(authority: &Authority, text: &str) -> String {
    beside(authority, text).problems().replace(&format!("{}/", authority.folder().display()), "")
}

#[test]
fn a_certificate_and_its_key_are_all_that_https_takes() {
    let authority = Authority::new();
    authority.issue();
    let configuration = beside(&authority, &format!("{TLS}host = \"0.0.0.0\"\n")).load();
    assert_eq!(configuration.warnings, [""; 0]);
    assert!(configuration.settings.server.tls.is_some());
    let shown = configuration.show();
    assert!(shown.contains("[server.tls]") && shown.contains("key.pem"), "{shown}");
}

#[test]
fn what_is_wrong_with_the_files_is_told_by_key_and_line() {
    let authority = Authority::new();
    assert_snapshot!(problems(&authority, TLS), @r#"
    weir.toml:2: `server.tls.cert` names no file: cert.pem
        Name a PEM file that this user may read.
    "#);
    authority.issue();
    assert_snapshot!(problems(&authority, "[server]\ntls = { cert = \"cert.pem\" }\n"), @r#"
    weir.toml:2: `server.tls.key` is missing
        Add key = … to this section.
    "#);
    assert_snapshot!(problems(&authority, "[server.tls]\nkey = \"key.pem\"\n"), @r#"
    weir.toml:1: `server.tls.cert` is missing
        Add cert = … to this section.
    "#);
    assert_snapshot!(problems(&authority, "[server.tls]\ncert = \"cert.pem\"\nkey = \"cert.pem\"\n"), @r#"
    weir.toml:3: `server.tls.key` has no private key in it: cert.pem
        Write it as PEM (-----BEGIN PRIVATE KEY-----).
    "#);
    let another = rcgen::KeyPair::generate().unwrap().serialize_pem();
    authority.file("key.pem", &another);
    assert_snapshot!(problems(&authority, TLS), @r#"
    weir.toml:2: `server.tls.key` does not fit the certificate in cert.pem: key.pem
        Name the key that it was made for; the first certificate in the file must be the server's own.
    "#);
    authority.file("key.pem", "-----BEGIN ENCRYPTED PRIVATE KEY-----\n");
    assert_snapshot!(problems(&authority, TLS), @r#"
    weir.toml:2: `server.tls.key` is encrypted: key.pem
        Keep it without a passphrase (openssl pkey -in KEY -out PLAIN), readable for this user alone.
    "#);
}

#[test]
fn whoever_lets_others_in_without_tls_is_exposed_unless_a_proxy_stands_before() {
    let is_exposed = |text: &str| with_file(text).load().settings.server.is_exposed();
    assert!(is_exposed("[server]\nhost = \"0.0.0.0\"\n"));
    for text in [
        "",
        "[server]\nhost = \"localhost\"\n",
        "[server]\nhost = \"[::1]\"\n",
        "[server]\nhost = \"0.0.0.0\"\ntrusted_proxies = [\"10.0.0.0/8\"]\n",
    ] {
        assert!(!is_exposed(text), "{text}");
    }
}

#[test]
fn a_store_that_is_sent_credentials_without_tls_is_warned_of_whatever_its_type() {
    let warnings = |sink: &str| with_file(&format!("[sinks.a]\n{sink}")).load().warnings;
    let exposed = [
        "type = \"opensearch\"\nurl = \"http://search\"\napi_key = \"hunter2\"",
        "type = \"clickhouse\"\nurl = \"http://ch\"\nuser = \"weir\"\npassword = \"hunter2\"",
        "type = \"postgres\"\nurl = \"postgres://weir:hunter2@db/a\"",
        "type = \"postgres\"\nurl = \"postgres://weir@db/a?sslmode=disable\"\npassword = \"hunter2\"",
        "type = \"objects\"\nurl = \"s3://b/p\"\nendpoint = \"http://minio\"\naccess_key = \"a\"\nsecret_key = \"hunter2\"",
    ];
    for sink in exposed {
        let told = warnings(sink);
        assert!(told.len() == 1 && told[0].contains("may be read on the way"), "{sink}: {told:?}");
        assert!(told[0].starts_with("`sinks.a.") && !told[0].contains("hunter2"), "{told:?}");
    }
    for sink in [
        "type = \"opensearch\"\nurl = \"https://search\"\napi_key = \"hunter2\"",
        "type = \"opensearch\"\nurl = \"http://search\"",
        "type = \"clickhouse\"\nurl = \"http://localhost\"\nuser = \"weir\"\npassword = \"hunter2\"",
        "type = \"postgres\"\nurl = \"postgres://weir:hunter2@db/a?sslmode=verify-full\"",
        "type = \"postgres\"\nurl = \"postgres://weir:hunter2@db/a\"\ntls = { server_name = \"db\" }",
    ] {
        assert_eq!(warnings(sink), [""; 0], "{sink}");
    }
}
