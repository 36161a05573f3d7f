//! TLS on a listener: versions 1.2 and 1.3, HTTP/2 or HTTP/1.1 by ALPN.
//!
//! **Constraint.** A certificate that changes on disk is shown to whoever comes next, without a restart; while the
//! files cannot be used, the one that was goes on being shown, and somebody is told.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::refusal;
use super::socket::Socket;
use crate::certificate::{CertificateFiles, Flaw};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// What it takes to speak TLS with clients.
#[derive(Clone)]
pub struct Encryption {
    acceptor: TlsAcceptor,
    certificate: Arc<Certificate>,
}

/// The certificate that is shown, and where it came from.
#[derive(Debug)]
struct Certificate {
    files: CertificateFiles,
    provider: Arc<CryptoProvider>,
    current: RwLock<Current>,
}

#[derive(Debug)]
struct Current {
    shown: Arc<CertifiedKey>,
    fingerprint: [u8; 32],
}

impl Encryption {
    /// Reads the files.
    pub fn new(files: CertificateFiles) -> anyhow::Result<Self> {
        let provider = Arc::new(ring::default_provider());
        let contents = files.read()?;
        let shown = Arc::new(contents.certified(&provider)?);
        let current = RwLock::new(Current { shown, fingerprint: contents.fingerprint() });
        let certificate = Arc::new(Certificate { files, provider: provider.clone(), current });
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])?
            .with_no_client_auth()
            .with_cert_resolver(certificate.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // Whoever comes back brings what it takes to go on, so nothing is kept for those that do not.
        config.ticketer = ring::Ticketer::new()?;
        Ok(Self { acceptor: Arc::new(config).into(), certificate })
    }

    /// Shakes hands. Whoever speaks HTTP without TLS is told so. `None` where the client leaves without a word, as one
    /// does that only looks whether somebody listens.
    pub(super) async fn greet(&self, stream: TcpStream) -> io::Result<Option<Socket>> {
        let mut first = [0];
        if !matches!(stream.peek(&mut first).await, Ok(1..)) {
            return Ok(None);
        }
        // A method's first letter; a handshake begins with the number 22.
        if first[0].is_ascii_uppercase() {
            refusal::say(stream, refusal::ENCRYPTED_ONLY).await;
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it speaks HTTP without TLS"));
        }
        let stream = self.acceptor.accept(stream).await?;
        Ok(Some(Socket::Encrypted(Box::new(stream))))
    }

    /// Looks at the files for ever.
    pub(super) async fn keep_current(&self) {
        let mut trouble: Option<(Flaw, u32)> = None;
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            trouble = match (self.look().await, trouble) {
                (Ok(is_new), _) => {
                    if is_new {
                        tracing::info!(
                            "a new certificate is shown from now on: the files of server.tls have changed"
                        );
                    }
                    None
                }
                (Err(flaw), Some((before, looks))) if flaw == before => Some((flaw, looks.saturating_add(1))),
                (Err(flaw), _) => Some((flaw, 1)),
            };
            // On the first look, the files may be just about to be replaced; later ones need not be told again.
            if let Some((flaw, 2)) = &trouble {
                tracing::warn!(
                    "server.tls: {flaw} Until then the certificate that was there before is shown."
                );
            }
        }
    }

    /// Takes up what the files hold. Whether that is new.
    pub(super) async fn look(&self) -> Result<bool, Flaw> {
        let certificate = self.certificate.clone();
        // A look that did not come to an end says nothing; another follows.
        tokio::task::spawn_blocking(move || certificate.look()).await.unwrap_or(Ok(false))
    }
}

impl Certificate {
    fn look(&self) -> Result<bool, Flaw> {
        let contents = self.files.read()?;
        let fingerprint = contents.fingerprint();
        if self.current.read().unwrap_or_else(PoisonError::into_inner).fingerprint == fingerprint {
            return Ok(false);
        }
        let shown = Arc::new(contents.certified(&self.provider)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Current { shown, fingerprint };
        Ok(true)
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).shown.clone())
    }
}
