//! TLS to servers: who is trusted, and who we say we are.
//!
//! **Constraint.** The roots are those of the web, built in, and the operator's own; the machine's are not asked.
//! Files that change are taken up while running.

mod verifier;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::SettingsError;
use verifier::{Asked, Verifier};

/// The files beside a store's address, in PEM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// Certificates of authorities that are trusted beside those of the web.
    pub ca: Option<PathBuf>,
    /// The certificate, with its chain, that we show.
    pub cert: Option<PathBuf>,
    /// The key of `cert`.
    pub key: Option<PathBuf>,
    /// The name that the store's certificate is made out to, where it is not the one in its address.
    pub server_name: Option<String>,
}

/// How much of a store's certificate is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// That an authority vouches for it, and for this name.
    Name,
    /// That an authority vouches for it.
    Authority,
    /// Nothing: what is sent is hidden from listeners, and from nobody who stands between.
    Anybody,
}

impl TlsSettings {
    /// Reads the files and makes of them what a TLS client needs.
    pub fn client_config(&self) -> Result<ClientConfig, SettingsError> {
        self.client_config_trusting(Trust::Name)
    }

    /// The same, where the store's settings say how much is checked.
    pub fn client_config_trusting(&self, trust: Trust) -> Result<ClientConfig, SettingsError> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(path) = &self.ca {
            for certificate in certificates("ca", path)? {
                roots.add(certificate).map_err(|error| unusable("ca", path, error))?;
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| SettingsError(format!("tls: {error}")))?;
        let asked = match (trust, &self.server_name) {
            (Trust::Name, None) => None,
            (Trust::Name, Some(name)) => Some(Asked::name(name)?),
            (Trust::Authority, _) => Some(Asked::Authority),
            (Trust::Anybody, _) => Some(Asked::Nothing),
        };
        let builder = match asked {
            None => builder.with_root_certificates(roots),
            Some(asked) => {
                let verifier = Arc::new(Verifier::new(asked, roots, provider)?);
                builder.dangerous().with_custom_certificate_verifier(verifier)
            }
        };
        match (&self.cert, &self.key) {
            (None, None) => Ok(builder.with_no_client_auth()),
            (Some(cert), Some(key)) => {
                let chain = certificates("cert", cert)?;
                let secret =
                    PrivateKeyDer::from_pem_file(key).map_err(|error| unusable("key", key, error))?;
                builder.with_client_auth_cert(chain, secret).map_err(|error| unusable("key", key, error))
            }
            _ => Err(SettingsError("tls: `cert` and `key` go together; set both or neither".to_owned())),
        }
    }

    /// When each file was last changed; differs when one of them has to be read anew.
    pub fn changed_at(&self) -> Vec<Option<SystemTime>> {
        let files = [&self.ca, &self.cert, &self.key].into_iter().flatten();
        files.map(|path| std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()).collect()
    }
}

fn certificates(setting: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, SettingsError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(found) if found.is_empty() => Err(unusable(setting, path, "there is no certificate in it")),
        Ok(found) => Ok(found),
        Err(error) => Err(unusable(setting, path, error)),
    }
}

fn unusable(setting: &str, path: &Path, why: impl std::fmt::Display) -> SettingsError {
    SettingsError(format!("tls.{setting} = \"{}\": {why}; a PEM file is expected", path.display()))
}
