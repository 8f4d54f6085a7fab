//! TLS of connections, and the certificates of clients.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use argon_core::{Error, Result};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;
use x509_cert::der::Decode;

/// The files of TLS, in PEM.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The certificate of the server, and those between it and the authority.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The authorities of the certificates of clients; without them, no client is asked for one.
    pub authority: Option<PathBuf>,
}

impl TlsFiles {
    /// Reads the files.
    ///
    /// # Errors
    /// `Invalid` if one can't be read, or has something else; the error has nothing of the key.
    pub(crate) fn acceptor(&self) -> Result<TlsAcceptor> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let chain = certificates(&self.certificate)?;
        // The cause is left out on purpose: it might have a part of the file.
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|_| unreadable(&self.key, "a private key in PEM"))?;
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::internal("TLS can't be set up").with_source(error))?;
        let builder = match &self.authority {
            None => builder.with_no_client_auth(),
            Some(file) => {
                let mut roots = RootCertStore::empty();
                for certificate in certificates(file)? {
                    roots
                        .add(certificate)
                        .map_err(|error| unreadable(file, "certificates").with_source(error))?;
                }
                // Clients without a certificate log in by a password.
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                        .allow_unauthenticated()
                        .build()
                        .map_err(|error| unreadable(file, "certificates").with_source(error))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let config = builder.with_single_cert(chain, key).map_err(|error| {
            let (certificate, key) = (self.certificate.display(), self.key.display());
            Error::invalid(format!(
                "the certificate in {certificate} and the key in {key} don't fit"
            ))
            .with_source(error)
        })?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let expected = "certificates in PEM";
    let read = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>)
        .map_err(|error| unreadable(file, expected).with_source(error))?;
    if read.is_empty() {
        return Err(unreadable(file, expected));
    }
    Ok(read)
}

fn unreadable(file: &Path, expected: &str) -> Error {
    let file = file.display();
    Error::invalid(format!("the file {file} can't be read: expected {expected}"))
}

/// The subject of a certificate, as MongoDB writes it (RFC 4514); `None` if it can't be read.
pub(crate) fn subject(certificate: &CertificateDer<'_>) -> Option<String> {
    let certificate = x509_cert::Certificate::from_der(certificate).ok()?;
    Some(certificate.tbs_certificate().subject().to_string()).filter(|subject| !subject.is_empty())
}
