//! TLS 1.3 on the members' port: the node shows a certificate, a member may show one.
//!
//! A member's certificate is only a wrapping around its Ed25519 key, the one that signs its records: the
//! handshake shows that the other end holds the secret (RFC 8446 §4.4.3), and the roster says whose key it is,
//! now. Names, dates and issuers in it mean nothing. What a handshake signs starts with 64 spaces and every
//! record with a zero byte, so that neither can stand for the other.

use std::{path::PathBuf, sync::Arc};

use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{CryptoProvider, ring, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, UnixTime, pem, pem::PemObject},
    server::{
        ParsedCertificate,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    version::TLS13,
};
use tokio_rustls::TlsAcceptor;

/// SubjectPublicKeyInfo of an Ed25519 key (RFC 8410 §4), up to the key.
const SPKI_HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The files of the node's own certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificate chain, PEM, the node's own first.
    pub certificate: PathBuf,
    /// Its secret key, PEM.
    pub key: PathBuf,
}

/// Why TLS is not served. For the operator.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or holds no such thing.
    #[error("read {what} from {}", path.display())]
    File {
        /// What it should hold.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: pem::Error,
    },
    /// Key and certificate do not belong together, or are of a kind that TLS does not take.
    #[error("use the certificate and its key")]
    Unusable(#[from] Error),
}

/// Reads certificate and key.
///
/// # Errors
/// [`TlsError`].
pub fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, TlsError> {
    let failed = |what, path: &PathBuf| {
        let path = path.clone();
        move |source| TlsError::File { what, path, source }
    };
    let certificate = failed("a certificate", &files.certificate);
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(certificate)?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(failed("a secret key", &files.key))?;
    let provider = Arc::new(ring::default_provider());
    let member = Arc::new(MemberKey { provider: Arc::clone(&provider) });
    let config = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[&TLS13])?;
    let mut config = config.with_client_cert_verifier(member).with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// The key of a certificate, if it is an Ed25519 key.
pub(crate) fn ed25519_key(certificate: &CertificateDer<'_>) -> Option<[u8; 32]> {
    let parsed = ParsedCertificate::try_from(certificate).ok()?;
    let info = parsed.subject_public_key_info();
    info.as_ref().strip_prefix(&SPKI_HEAD)?.try_into().ok()
}

/// Takes any certificate with an Ed25519 key whose secret is shown, and none as well.
#[derive(Debug)]
struct MemberKey {
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for MemberKey {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match ed25519_key(certificate) {
            Some(_) => Ok(ClientCertVerified::assertion()),
            None => Err(CertificateError::UnknownIssuer.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.3 only".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}
