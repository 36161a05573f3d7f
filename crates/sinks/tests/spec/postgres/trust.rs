//! TLS, by the modes that libpq has.

use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;
use weir_core::sink::Sink;
use weir_sinks::postgres::{PostgresSettings, PostgresSink};
use weir_sinks::tls::TlsSettings;

use crate::postgres::server::Server;
use crate::postgres::{SUITE, assert_blocked, settings, start};

/// An authority of our own, and a folder for its files.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer, folder: tempfile::tempdir().unwrap() }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn ca(&self) -> PathBuf {
        self.file("ca.pem", &self.issuer.as_ref().pem())
    }

    fn issue(&self, name: &str) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (self.file("server.pem", &certificate.pem()), self.file("server.key", &key.serialize_pem()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mode_decides_whom_the_sink_talks_to() {
    let (authority, another) = (Authority::new(), Authority::new());
    let Some(server) = Server::of_our_own(SUITE, Some(&authority.issue("db.example"))) else { return };
    let with = |parameters: String, tls: TlsSettings| -> PostgresSink {
        let url = server.url().replace("sslmode=disable", &parameters);
        start(&PostgresSettings { url, tls, ..settings(&server, "trust") })
    };
    let plain = |parameters: &str| with(parameters.to_owned(), TlsSettings::default());
    let (ours, theirs) = (authority.ca(), another.ca());
    let (ours, theirs) = (ours.display(), theirs.display());

    for well in ["", "sslmode=disable", "sslmode=prefer", "sslmode=require"] {
        plain(well).check().await.unwrap();
    }
    for well in
        [format!("sslmode=require&sslrootcert={ours}"), format!("sslmode=verify-ca&sslrootcert={ours}")]
    {
        plain(&well).check().await.unwrap();
    }
    for bad in [
        "sslmode=verify-full".to_owned(),
        format!("sslmode=verify-full&sslrootcert={ours}"),
        format!("sslmode=verify-ca&sslrootcert={theirs}"),
        format!("sslmode=require&sslrootcert={theirs}"),
    ] {
        assert_blocked(plain(&bad).check().await, &["certificate"]);
    }
    let named = TlsSettings {
        ca: Some(authority.ca()),
        server_name: Some("db.example".to_owned()),
        ..TlsSettings::default()
    };
    with(String::new(), named).check().await.unwrap();

    let encrypted =
        "SELECT ssl::text FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'weir'";
    let sink = plain("sslmode=require");
    sink.check().await.unwrap();
    assert!(server.ask(encrypted).await.contains(&"true".to_owned()));
}
