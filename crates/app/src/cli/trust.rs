//! Whose certificate commands believe: the server's own, by its settings, and those that an authority vouches for.
//!
//! **Constraint.** The server's own certificate needs no authority and no name: whoever shows it has to hold its key.
//! So a command beside the server works under whatever name or address it finds the server.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use anyhow::{Context, anyhow};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::config::Settings;

/// Believes the server's own certificate, then authorities.
#[derive(Debug)]
struct OwnOrVouched {
    own: Option<CertificateDer<'static>>,
    authorities: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
    vouched: OnceLock<Option<Arc<WebPkiServerVerifier>>>,
}

/// TLS to the server. The system's authorities are believed, and those in `ca`.
pub fn tls_config(settings: &Settings, ca: Option<&Path>) -> anyhow::Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let authorities = ca.map(certificates).transpose().context("--ca")?.unwrap_or_default();
    let own = settings.server.tls.as_ref().map(|tls| certificates(&tls.cert)).transpose()?;
    let verifier = OwnOrVouched {
        own: own.and_then(|chain| chain.into_iter().next()),
        authorities,
        provider: provider.clone(),
        vouched: OnceLock::new(),
    };
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

fn certificates(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(anyhow!("{}: there is no certificate in it; a PEM file is expected", path.display())),
        Err(error) => Err(anyhow!("{}: {error}; a PEM file is expected", path.display())),
    }
}

impl OwnOrVouched {
    /// Asks authorities. The system's are read only here: that takes longer than most commands.
    fn vouched(&self) -> Option<&WebPkiServerVerifier> {
        let load = || {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            roots.add_parsable_certificates(self.authorities.iter().cloned());
            WebPkiServerVerifier::builder_with_provider(roots.into(), self.provider.clone()).build().ok()
        };
        self.vouched.get_or_init(load).as_deref()
    }
}

impl ServerCertVerifier for OwnOrVouched {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.own.as_ref() == Some(end_entity) {
            return Ok(ServerCertVerified::assertion());
        }
        match self.vouched() {
            Some(vouched) => vouched.verify_server_cert(end_entity, intermediates, name, ocsp_response, now),
            None => Err(CertificateError::UnknownIssuer.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
