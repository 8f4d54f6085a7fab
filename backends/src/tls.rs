//! When the certificate of a server ends, which no driver tells.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use argon_core::storage::Certificate;
use bson::DateTime;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use x509_cert::der::Decode;

/// How long a server may take to show it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Connects to a server as a client does, takes its certificates, and hangs up. They are not checked,
/// as nothing is sent: the driver checks those of its own connections. A server that wants to see the
/// client's certificate has shown its own by then.
pub(crate) async fn certificate(host: &str, port: u16) -> Certificate {
    let seen = Arc::new(Seen { provider: ring::default_provider(), chain: Mutex::default() });
    let outcome = match tokio::time::timeout(PATIENCE, shake_hands(host, port, &seen)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(format!("it does not answer within {} seconds", PATIENCE.as_secs())),
    };
    let chain = seen.chain.lock().unwrap_or_else(PoisonError::into_inner);
    let ends: Option<Vec<DateTime>> = chain.iter().map(|certificate| end(certificate)).collect();
    match (ends.map(|ends| ends.into_iter().min()), outcome) {
        (Some(Some(first)), _) => Certificate::Ends(first),
        (_, Err(why)) => Certificate::Unknown(why),
        _ => Certificate::Unknown("it can't be read".to_owned()),
    }
}

async fn shake_hands(host: &str, port: u16, seen: &Arc<Seen>) -> Result<(), String> {
    let config = ClientConfig::builder_with_provider(Arc::new(seen.provider.clone()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(seen.clone())
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
    let stream = TcpStream::connect((host, port)).await.map_err(|error| error.to_string())?;
    let shaken = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    shaken.map(drop).map_err(|error| error.to_string())
}

/// When a certificate ends; `None` if it can't be read.
fn end(certificate: &CertificateDer<'_>) -> Option<DateTime> {
    let certificate = x509_cert::Certificate::from_der(certificate).ok()?;
    let end = certificate.tbs_certificate().validity().not_after.to_unix_duration();
    Some(DateTime::from_millis(i64::try_from(end.as_millis()).ok()?))
}

/// Takes note of the certificates that a server shows, the last of the chain last.
#[derive(Debug)]
struct Seen {
    provider: CryptoProvider,
    chain: Mutex<Vec<CertificateDer<'static>>>,
}

impl ServerCertVerifier for Seen {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let shown = std::iter::once(end_entity).chain(intermediates);
        let mut chain = self.chain.lock().unwrap_or_else(PoisonError::into_inner);
        *chain = shown.map(|certificate| certificate.clone().into_owned()).collect();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rustls::ServerConfig;
    use rustls::pki_types::PrivateKeyDer;
    use rustls::pki_types::pem::PemObject;
    use rustls::server::WebPkiClientVerifier;
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    /// A key, and certificates of it that sign themselves, by `openssl ca -selfsign -startdate …
    /// -enddate …`.
    fn file(name: &str) -> std::path::PathBuf {
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/tls").join(name)
    }

    fn chain(names: &[&str]) -> Vec<CertificateDer<'static>> {
        names.iter().map(|name| CertificateDer::from_pem_file(file(name)).unwrap()).collect()
    }

    /// A server that shows these certificates to each client; its port.
    async fn server(names: &[&str], wants_clients: bool) -> u16 {
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap();
        let config = if wants_clients {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(chain(&["of-2099.pem"]).remove(0)).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            config.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            config.with_no_client_auth()
        };
        let key = PrivateKeyDer::from_pem_file(file("key.pem")).unwrap();
        let config = config.with_single_cert(chain(names), key).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let acceptor = TlsAcceptor::from(Arc::new(config));
            while let Ok((stream, _)) = listener.accept().await {
                // A client that hangs up is what is expected.
                let _ = acceptor.accept(stream).await;
            }
        });
        port
    }

    /// The first moment of a year.
    fn year(year: i32) -> DateTime {
        DateTime::builder().year(year).month(1).day(1).build().unwrap()
    }

    #[tokio::test]
    async fn the_first_of_the_certificates_that_are_shown_counts_even_if_it_is_over() {
        let port = server(&["of-2099.pem"], false).await;
        assert_eq!(certificate("127.0.0.1", port).await, Certificate::Ends(year(2099)));
        let port = server(&["of-2099.pem", "of-2020.pem"], false).await;
        assert_eq!(certificate("localhost", port).await, Certificate::Ends(year(2020)));
    }

    #[tokio::test]
    async fn a_server_that_wants_a_certificate_itself_has_shown_its_own() {
        let port = server(&["of-2099.pem"], true).await;
        assert_eq!(certificate("127.0.0.1", port).await, Certificate::Ends(year(2099)));
    }

    #[tokio::test]
    async fn a_server_that_shows_none_is_unknown() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let unknown = |found: &Certificate| matches!(found, Certificate::Unknown(_));
        let silent = certificate("127.0.0.1", port);
        let (silent, _) = tokio::join!(silent, listener.accept());
        assert!(unknown(&silent), "{silent:?}");
        drop(listener);
        let away = certificate("127.0.0.1", port).await;
        assert!(unknown(&away), "{away:?}");
        let nameless = certificate("no host", 1).await;
        assert!(unknown(&nameless), "{nameless:?}");
    }
}
