//! Checks a store's certificate for another name than the one in its address, or for less than a name.
//!
//! **Constraint.** Signatures of the handshake are checked always: whoever shows a certificate holds its key. Chain,
//! dates and signatures are rustls's to check.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::SettingsError;

/// What a certificate is asked for.
#[derive(Debug)]
pub(super) enum Asked {
    /// A chain to an authority, and this name in place of the one in the address.
    Name(ServerName<'static>),
    /// A chain to an authority.
    Authority,
    /// Nothing.
    Nothing,
}

impl Asked {
    /// For the name that settings give.
    pub fn name(name: &str) -> Result<Self, SettingsError> {
        let unusable = |error| {
            SettingsError(format!(
                "tls.server_name = {name:?}: {error}; a host's name or address is expected"
            ))
        };
        ServerName::try_from(name.to_owned()).map(Self::Name).map_err(unusable)
    }
}

/// Asks every certificate for one thing.
#[derive(Debug)]
pub(super) struct Verifier {
    asked: Asked,
    inner: Arc<WebPkiServerVerifier>,
}

impl Verifier {
    pub fn new(
        asked: Asked,
        roots: RootCertStore,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, SettingsError> {
        let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|error| SettingsError(format!("tls: {error}")))?;
        Ok(Self { asked, inner })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name_in_address: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verify =
            |name| self.inner.verify_server_cert(end_entity, intermediates, name, ocsp_response, now);
        match &self.asked {
            Asked::Name(name) => verify(name),
            Asked::Nothing => Ok(ServerCertVerified::assertion()),
            // The name is what is checked last.
            Asked::Authority => match verify(name_in_address) {
                Err(Error::InvalidCertificate(
                    CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
                )) => Ok(ServerCertVerified::assertion()),
                other => other,
            },
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
