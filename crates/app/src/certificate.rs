//! The certificate that the server shows, and its key, from PEM files.
//!
//! **Constraint.** What is wrong is told by file, with a remedy; nothing of a key is ever told.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use sha2::{Digest, Sha256};

/// No chain and no key is larger.
const FILE_MAX_BYTES: u64 = 1 << 20;

/// Where they lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate, with its chain.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// One of the two files, by the name of its setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The certificate.
    Cert,
    /// The key.
    Key,
}

/// Why they cannot be used, and what would do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` {what}. {remedy}", .part.as_str())]
pub struct Flaw {
    /// The file that has to be mended.
    pub part: Part,
    /// What is wrong, as the rest of a sentence that begins with the setting.
    pub what: String,
    /// What to do.
    pub remedy: &'static str,
}

/// The contents of both files.
pub struct Contents {
    cert: Vec<u8>,
    key: Vec<u8>,
    files: CertificateFiles,
}

impl Part {
    /// The setting's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cert => "cert",
            Self::Key => "key",
        }
    }
}

impl CertificateFiles {
    /// Reads both.
    pub fn read(&self) -> Result<Contents, Flaw> {
        let cert = read(&self.cert).map_err(|error| unreadable(Part::Cert, &self.cert, &error))?;
        let key = read(&self.key).map_err(|error| unreadable(Part::Key, &self.key, &error))?;
        Ok(Contents { cert, key, files: self.clone() })
    }
}

impl Contents {
    /// Differs when one of the files does.
    pub fn fingerprint(&self) -> [u8; 32] {
        let lengths = (self.cert.len() as u64).to_le_bytes();
        Sha256::new().chain_update(lengths).chain_update(&self.cert).chain_update(&self.key).finalize().into()
    }

    /// The certificates, the server's own first.
    pub fn chain(&self) -> Result<Vec<CertificateDer<'static>>, Flaw> {
        let remedy = "Write it as PEM (-----BEGIN CERTIFICATE-----): the server's own certificate first, then its chain.";
        let flaw = |why: &str| flaw(Part::Cert, format!("{why}: {}", self.files.cert.display()), remedy);
        let read: Result<Vec<_>, PemError> = CertificateDer::pem_slice_iter(&self.cert).collect();
        match read {
            Ok(chain) if chain.is_empty() => Err(flaw("has no certificate in it")),
            Ok(chain) => Ok(chain),
            Err(_) => Err(flaw("has a certificate that is no PEM")),
        }
    }

    /// Both together, for the TLS server.
    pub fn certified(&self, provider: &CryptoProvider) -> Result<CertifiedKey, Flaw> {
        let (chain, key) = (self.chain()?, self.private_key()?);
        CertifiedKey::from_der(chain, key, provider).map_err(|error| self.unfit(&error))
    }

    fn private_key(&self) -> Result<PrivateKeyDer<'static>, Flaw> {
        let path = self.files.key.display();
        // The standard form names it in its first line, the older one in a head below it.
        if self.key.windows(9).any(|words| words == b"ENCRYPTED") {
            let remedy = "Keep it without a passphrase (openssl pkey -in KEY -out PLAIN), readable for this user alone.";
            return Err(flaw(Part::Key, format!("is encrypted: {path}"), remedy));
        }
        PrivateKeyDer::from_pem_slice(&self.key).map_err(|_| {
            let remedy = "Write it as PEM (-----BEGIN PRIVATE KEY-----).";
            flaw(Part::Key, format!("has no private key in it: {path}"), remedy)
        })
    }

    fn unfit(&self, error: &Error) -> Flaw {
        let (cert, key) = (self.files.cert.display(), self.files.key.display());
        match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                let remedy = "Name the key that it was made for; the first certificate in the file must be the server's own.";
                flaw(Part::Key, format!("does not fit the certificate in {cert}: {key}"), remedy)
            }
            Error::InvalidCertificate(why) => {
                let remedy = "Have it issued anew, as X.509 version 3.";
                flaw(Part::Cert, format!("has a certificate that cannot be used: {cert}: {why}"), remedy)
            }
            _ => {
                let remedy = "Use an RSA key of 2048 bits or more, or ECDSA P-256 or P-384, or Ed25519.";
                flaw(Part::Key, format!("has a key that cannot be used: {key}"), remedy)
            }
        }
    }
}

fn flaw(part: Part, what: String, remedy: &'static str) -> Flaw {
    Flaw { part, what, remedy }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(FILE_MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(part: Part, path: &Path, error: &io::Error) -> Flaw {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::NotFound => {
            flaw(part, format!("names no file: {path}"), "Name a PEM file that this user may read.")
        }
        _ => flaw(part, format!("cannot be read: {path}: {error}"), "Let this user read the file."),
    }
}

#[cfg(test)]
pub(crate) mod tests;
