//! TLS: whom the sink trusts, and how it shows itself.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;
use weir_core::sink::{Receipt, Sink, SinkError};
use weir_core::testkit::sink::batch;
use weir_sinks::opensearch::{OpenSearchSettings, OpenSearchSink};
use weir_sinks::tls::TlsSettings;

use crate::opensearch::double::Double;
use crate::opensearch::events;

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

    fn issue(&self, name: &str) -> (Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    fn file(&self, name: &str, text: &str) -> Option<PathBuf> {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        Some(path)
    }

    fn ca(&self) -> Option<PathBuf> {
        self.file("ca.pem", &self.issuer.as_ref().pem())
    }

    fn acceptor(&self, name: &str, asks_for_certificate: bool) -> TlsAcceptor {
        let (certificate, key) = self.issue(name);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.as_ref().der().clone()).unwrap();
        let builder = match asks_for_certificate {
            false => builder.with_no_client_auth(),
            true => {
                let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        Arc::new(builder.with_single_cert(vec![certificate.der().clone()], key).unwrap()).into()
    }
}

async fn deliver(double: &Double, tls: TlsSettings) -> Result<Receipt, SinkError> {
    let url = format!("https://localhost:{}", double.port());
    let sink = OpenSearchSink::start(OpenSearchSettings { url, tls, ..double.settings() }).unwrap();
    sink.deliver(&batch("p", events(0..1))).await
}

#[tokio::test]
async fn a_store_with_a_certificate_of_our_own_authority_is_trusted() {
    let authority = Authority::new();
    let double = Double::behind(authority.acceptor("localhost", false)).await;
    let tls = TlsSettings { ca: authority.ca(), ..TlsSettings::default() };
    assert_eq!(deliver(&double, tls).await.unwrap(), Receipt::default());
}

#[tokio::test]
async fn a_store_that_nobody_vouches_for_is_sent_nothing_and_the_remedy_is_told() {
    let authority = Authority::new();
    let double = Double::behind(authority.acceptor("localhost", false)).await;
    let another = Authority::new();
    for ca in [None, another.ca()] {
        let result = deliver(&double, TlsSettings { ca, ..TlsSettings::default() }).await;
        let Err(SinkError::Blocked { cause }) = result else { panic!("{result:?}") };
        assert!(cause.to_string().contains("set tls.ca"), "{cause}");
    }
    let misnamed = Double::behind(authority.acceptor("another.example", false)).await;
    let result = deliver(&misnamed, TlsSettings { ca: authority.ca(), ..TlsSettings::default() }).await;
    assert!(matches!(result, Err(SinkError::Blocked { .. })), "{result:?}");
    assert!(double.received().is_empty() && misnamed.received().is_empty());
}

#[tokio::test]
async fn a_store_whose_certificate_has_another_name_is_trusted_under_that_name_only() {
    let authority = Authority::new();
    let double = Double::behind(authority.acceptor("search.example", false)).await;
    let named = |name: &str| TlsSettings {
        ca: authority.ca(),
        server_name: Some(name.to_owned()),
        ..TlsSettings::default()
    };
    let result = deliver(&double, named("localhost")).await;
    assert!(matches!(result, Err(SinkError::Blocked { .. })), "{result:?}");
    assert!(double.received().is_empty());
    assert_eq!(deliver(&double, named("search.example")).await.unwrap(), Receipt::default());

    let unknown = TlsSettings { ca: None, ..named("search.example") };
    assert!(deliver(&double, unknown).await.is_err(), "a name does not stand in for trust");
}

#[tokio::test]
async fn where_the_store_asks_for_a_certificate_ours_is_shown() {
    let authority = Authority::new();
    let double = Double::behind(authority.acceptor("localhost", true)).await;
    let without = TlsSettings { ca: authority.ca(), ..TlsSettings::default() };
    assert!(deliver(&double, without.clone()).await.is_err());
    let (certificate, key) = authority.issue("weir");
    let (cert, key) =
        (authority.file("cert.pem", &certificate.pem()), authority.file("key.pem", &key.serialize_pem()));
    assert_eq!(deliver(&double, TlsSettings { cert, key, ..without }).await.unwrap(), Receipt::default());
}

#[test]
fn files_that_cannot_be_used_are_told_by_setting_and_path() {
    let authority = Authority::new();
    let start = |tls: TlsSettings| {
        let settings = OpenSearchSettings { tls, ..OpenSearchSettings::new("https://host") };
        OpenSearchSink::start(settings).err().map(|error| error.to_string()).unwrap()
    };
    let none = TlsSettings::default;
    let told = start(TlsSettings { ca: Some("/nowhere/ca.pem".into()), ..none() });
    assert!(told.contains("tls.ca = \"/nowhere/ca.pem\""), "{told}");
    let told = start(TlsSettings { ca: authority.file("empty.pem", ""), ..none() });
    assert!(told.contains("no certificate in it"), "{told}");
    let told = start(TlsSettings { cert: authority.ca(), ..none() });
    assert!(told.contains("go together"), "{told}");
    let told = start(TlsSettings { server_name: Some("a b".to_owned()), ..none() });
    assert!(told.contains("tls.server_name = \"a b\""), "{told}");
    let told = start(TlsSettings { cert: authority.ca(), key: authority.ca(), ..none() });
    assert!(told.contains("tls.key"), "{told}");
}
