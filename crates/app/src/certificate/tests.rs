//! Certificates of an authority made for the test, and every way to have the wrong ones.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

use super::{CertificateFiles, Flaw, Part};

/// An authority, and a folder with what it issued.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer, folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its own certificate.
    pub(crate) fn ca(&self) -> PathBuf {
        self.file("ca.pem", &self.issuer.as_ref().pem())
    }

    /// Writes a new certificate for `localhost` over the one that was there.
    pub(crate) fn issue(&self) -> CertificateFiles {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        CertificateFiles {
            cert: self.file("cert.pem", &certificate.pem()),
            key: self.file("key.pem", &key.serialize_pem()),
        }
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

fn flaw(files: &CertificateFiles) -> Flaw {
    let provider = rustls::crypto::ring::default_provider();
    files.read().and_then(|contents| contents.certified(&provider)).expect_err("they cannot be used")
}

#[test]
fn a_certificate_and_its_key_are_read() {
    let authority = Authority::new();
    let contents = authority.issue().read().unwrap();
    assert_eq!(contents.chain().unwrap().len(), 1);
    contents.certified(&rustls::crypto::ring::default_provider()).unwrap();
}

#[test]
fn what_is_wrong_is_told_by_file_with_a_remedy() {
    let authority = Authority::new();
    let good = authority.issue();
    let key = |key: PathBuf| CertificateFiles { key, ..good.clone() };
    let cert = |cert: PathBuf| CertificateFiles { cert, ..good.clone() };
    let another = KeyPair::generate().unwrap().serialize_pem();
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let old =
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    for (files, part, expected) in [
        (cert("/nowhere/cert.pem".into()), Part::Cert, "names no file: /nowhere/cert.pem"),
        (cert(authority.folder().to_owned()), Part::Cert, "cannot be read: "),
        (cert(authority.file("empty", "")), Part::Cert, "has no certificate in it: "),
        (cert(good.key.clone()), Part::Cert, "has no certificate in it: "),
        (key("/nowhere/key.pem".into()), Part::Key, "names no file: /nowhere/key.pem"),
        (key(authority.ca()), Part::Key, "has no private key in it: "),
        (key(authority.file("encrypted", encrypted)), Part::Key, "is encrypted: "),
        (key(authority.file("old", old)), Part::Key, "is encrypted: "),
        (key(authority.file("another", &another)), Part::Key, "does not fit the certificate in "),
    ] {
        let flaw = flaw(&files);
        assert!(flaw.part == part && flaw.what.starts_with(expected), "{expected}: {flaw}");
        assert!(flaw.remedy.ends_with('.'), "{flaw}");
    }
}

#[test]
fn a_fingerprint_tells_contents_apart_and_nothing_else() {
    let authority = Authority::new();
    let files = authority.issue();
    let first = files.read().unwrap().fingerprint();
    assert_eq!(files.read().unwrap().fingerprint(), first);
    authority.issue();
    assert_ne!(files.read().unwrap().fingerprint(), first);
}
