//! Mutual TLS 1.3 in which a certificate is only a wrapping: what counts is the key in it.
//!
//! Certificates are self-signed. Both verifiers look the certificate's Ed25519 key up in the
//! [`Directory`] and verify that the other end holds its secret (the handshake's signature, RFC 8446
//! §4.4.3). Names, validity dates and issuers in certificates mean nothing. No session is resumed, so
//! that every link is checked against the directory of its moment.

use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair, PKCS_ED25519};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, OtherError,
    ServerConfig, SignatureScheme,
    client::{
        Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime},
    server::{
        NoServerSessionStorage, ParsedCertificate,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    version::TLS13,
};
use tokio::sync::watch;

use crate::directory::Directory;

/// PKCS#8 of an Ed25519 seed (RFC 8410 §7), up to the seed.
const PKCS8_HEAD: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
/// SubjectPublicKeyInfo of an Ed25519 key (RFC 8410 §4), up to the key.
const SPKI_HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// The protocol that is negotiated: HTTP/2.
const ALPN: &[u8] = b"h2";

/// Why an identity is refused. For the operator: the other end learns no more than that it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityFault {
    /// The certificate's key is no Ed25519 key.
    #[error("its certificate holds no Ed25519 key")]
    NoKey,
    /// Nobody has this key.
    #[error("its key {0} belongs to nobody in this consortium")]
    Unknown(String),
    /// The key was revoked.
    #[error("its key {0} was revoked")]
    Revoked(String),
    /// We dialled somebody else.
    #[error("it holds the key of {found}, not that of {expected}")]
    Other {
        /// Who was dialled.
        expected: String,
        /// Whose key answered.
        found: String,
    },
}

/// This node's own key and certificate.
#[derive(Clone)]
pub struct TlsIdentity {
    certificate: CertificateDer<'static>,
    pkcs8: Vec<u8>,
    public_key: [u8; 32],
}

/// Says nothing of the secret.
impl std::fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TlsIdentity({})", hex(&self.public_key))
    }
}

/// Why there is no identity: a defect of ours, or of a library.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The certificate cannot be made.
    #[error("make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// TLS cannot be set up.
    #[error("set up TLS")]
    Tls(#[from] Error),
}

impl TlsIdentity {
    /// From an Ed25519 seed. The certificate is made anew each time; only its key means anything.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, IdentityError> {
        let pkcs8 = [&PKCS8_HEAD[..], seed].concat();
        let key = KeyPair::from_pkcs8_der_and_sign_algo(
            &PrivatePkcs8KeyDer::from(pkcs8.as_slice()),
            &PKCS_ED25519,
        )?;
        let certificate = CertificateParams::new(vec!["node.invalid".to_owned()])?.self_signed(&key)?;
        let certificate = certificate.der().clone();
        let public_key =
            key_of(&certificate).ok_or(Error::General("no key in our own certificate".into()))?;
        Ok(Self { certificate, pkcs8, public_key })
    }

    /// What others bind to this node's name.
    #[must_use]
    pub const fn public_key(&self) -> [u8; 32] {
        self.public_key
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.pkcs8.clone()).into()
    }

    /// For accepting links from whoever is in the directory.
    pub(crate) fn server(
        &self,
        directory: watch::Receiver<Arc<Directory>>,
    ) -> Result<Arc<ServerConfig>, Error> {
        let provider = provider();
        let pin = Arc::new(Pin { directory, expected: None, provider: Arc::clone(&provider) });
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])?
            .with_client_cert_verifier(pin)
            .with_single_cert(vec![self.certificate.clone()], self.key())?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Arc::new(config))
    }

    /// For dialling one member.
    pub(crate) fn client(
        &self,
        directory: watch::Receiver<Arc<Directory>>,
        member: &str,
    ) -> Result<Arc<ClientConfig>, Error> {
        let provider = provider();
        let expected = Some(member.to_owned());
        let pin = Arc::new(Pin { directory, expected, provider: Arc::clone(&provider) });
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(pin)
            .with_client_auth_cert(vec![self.certificate.clone()], self.key())?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.resumption = Resumption::disabled();
        Ok(Arc::new(config))
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// The Ed25519 key of a certificate.
pub(crate) fn key_of(certificate: &CertificateDer<'_>) -> Option<[u8; 32]> {
    let parsed = ParsedCertificate::try_from(certificate).ok()?;
    let spki = parsed.subject_public_key_info();
    spki.as_ref().strip_prefix(&SPKI_HEAD)?.try_into().ok()
}

fn hex(key: &[u8; 32]) -> String {
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Accepts a certificate for its key alone.
#[derive(Debug)]
struct Pin {
    directory: watch::Receiver<Arc<Directory>>,
    /// When dialling: whom.
    expected: Option<String>,
    provider: Arc<CryptoProvider>,
}

impl Pin {
    fn check(&self, certificate: &CertificateDer<'_>) -> Result<(), Error> {
        let refuse = |fault: IdentityFault| {
            Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(fault))))
        };
        let key = key_of(certificate).ok_or_else(|| refuse(IdentityFault::NoKey))?;
        let directory = self.directory.borrow();
        if directory.is_revoked(&key) {
            return Err(refuse(IdentityFault::Revoked(hex(&key))));
        }
        let found = directory.member_of(&key).ok_or_else(|| refuse(IdentityFault::Unknown(hex(&key))))?;
        match &self.expected {
            Some(expected) if expected != found => {
                Err(refuse(IdentityFault::Other { expected: expected.clone(), found: found.to_owned() }))
            }
            _ => Ok(()),
        }
    }

    fn signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }
}

/// TLS 1.2 is not offered, so this cannot be asked for.
fn no_tls12() -> Result<HandshakeSignatureValid, Error> {
    Err(Error::General("only TLS 1.3 is spoken here".into()))
}

impl ClientCertVerifier for Pin {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.check(certificate).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        no_tls12()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}

impl ServerCertVerifier for Pin {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.check(certificate).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        no_tls12()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_certificates_key_is_the_seeds() {
        let identity = TlsIdentity::from_seed(&[7; 32]).expect("a certificate");
        let expected = ed25519_dalek::SigningKey::from_bytes(&[7; 32]).verifying_key();
        assert_eq!(identity.public_key(), expected.to_bytes());
        assert!(!format!("{identity:?}").contains(&hex(&[7; 32])));
    }
}
