//! `server.tls = { cert, key }`: the certificate that the server shows.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::certificate::CertificateFiles;
use crate::config::key::Key;
use crate::config::problem::Report;

/// Files in PEM; taken up within a minute when they change.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CertificateSettings {
    /// The certificate, with its chain.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl CertificateSettings {
    /// Where they lie.
    pub fn files(&self) -> CertificateFiles {
        CertificateFiles { cert: self.cert.clone(), key: self.key.clone() }
    }

    pub(super) fn check(&self, key: &Key, report: &mut Report<'_>) {
        let provider = rustls::crypto::ring::default_provider();
        if let Err(flaw) = self.files().read().and_then(|contents| contents.certified(&provider)) {
            report.wrong(&key.child(flaw.part.as_str()), flaw.what, flaw.remedy);
        }
    }
}
