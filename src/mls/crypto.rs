//! The cryptography OpenMLS works with: that of its own provider, but for verifying signatures.

use openmls::prelude::tls_codec::SecretVLBytes;
use openmls_rust_crypto::RustCrypto;
use openmls_traits::crypto::OpenMlsCrypto;
use openmls_traits::types::{
    AeadType, Ciphersuite, CryptoError, ExporterSecret, HashType, HpkeCiphertext, HpkeConfig, HpkeKeyPair,
    KemOutput, SignatureScheme,
};

use super::verifying::Signers;

/// OpenMLS's own provider, and what is known of those who sign.
#[derive(Debug, Default)]
pub struct Crypto {
    pub(super) rust: RustCrypto,
    signers: Signers,
}

impl OpenMlsCrypto for Crypto {
    fn verify_signature(
        &self,
        scheme: SignatureScheme,
        data: &[u8],
        key: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        if scheme != SignatureScheme::ED25519 {
            return self.rust.verify_signature(scheme, data, key, signature);
        }
        match self.signers.verify(key, data, signature) {
            Some(true) => Ok(()),
            Some(false) => Err(CryptoError::InvalidSignature),
            None => {
                self.rust.verify_signature(scheme, data, key, signature)?;
                if is_message(data) {
                    self.signers.count(key);
                }
                Ok(())
            }
        }
    }

    fn supports(&self, ciphersuite: Ciphersuite) -> Result<(), CryptoError> {
        self.rust.supports(ciphersuite)
    }

    fn supported_ciphersuites(&self) -> Vec<Ciphersuite> {
        self.rust.supported_ciphersuites()
    }

    fn hkdf_extract(&self, hash: HashType, salt: &[u8], ikm: &[u8]) -> Result<SecretVLBytes, CryptoError> {
        self.rust.hkdf_extract(hash, salt, ikm)
    }

    fn hmac(&self, hash: HashType, key: &[u8], message: &[u8]) -> Result<SecretVLBytes, CryptoError> {
        self.rust.hmac(hash, key, message)
    }

    fn hkdf_expand(
        &self,
        hash: HashType,
        prk: &[u8],
        info: &[u8],
        length: usize,
    ) -> Result<SecretVLBytes, CryptoError> {
        self.rust.hkdf_expand(hash, prk, info, length)
    }

    fn hash(&self, hash: HashType, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.rust.hash(hash, data)
    }

    fn aead_encrypt(
        &self,
        aead: AeadType,
        key: &[u8],
        data: &[u8],
        nonce: &[u8],
        aad: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        self.rust.aead_encrypt(aead, key, data, nonce, aad)
    }

    fn aead_decrypt(
        &self,
        aead: AeadType,
        key: &[u8],
        ciphertext: &[u8],
        nonce: &[u8],
        aad: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        self.rust.aead_decrypt(aead, key, ciphertext, nonce, aad)
    }

    fn signature_key_gen(&self, scheme: SignatureScheme) -> Result<(Vec<u8>, Vec<u8>), CryptoError> {
        self.rust.signature_key_gen(scheme)
    }

    fn sign(&self, scheme: SignatureScheme, data: &[u8], key: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.rust.sign(scheme, data, key)
    }

    fn hpke_seal(
        &self,
        config: HpkeConfig,
        public: &[u8],
        info: &[u8],
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<HpkeCiphertext, CryptoError> {
        self.rust.hpke_seal(config, public, info, aad, plaintext)
    }

    fn hpke_open(
        &self,
        config: HpkeConfig,
        sealed: &HpkeCiphertext,
        private: &[u8],
        info: &[u8],
        aad: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        self.rust.hpke_open(config, sealed, private, info, aad)
    }

    fn hpke_setup_sender_and_export(
        &self,
        config: HpkeConfig,
        public: &[u8],
        info: &[u8],
        context: &[u8],
        length: usize,
    ) -> Result<(KemOutput, ExporterSecret), CryptoError> {
        self.rust
            .hpke_setup_sender_and_export(config, public, info, context, length)
    }

    fn hpke_setup_receiver_and_export(
        &self,
        config: HpkeConfig,
        encapsulated: &[u8],
        private: &[u8],
        info: &[u8],
        context: &[u8],
        length: usize,
    ) -> Result<ExporterSecret, CryptoError> {
        self.rust
            .hpke_setup_receiver_and_export(config, encapsulated, private, info, context, length)
    }

    fn derive_hpke_keypair(&self, config: HpkeConfig, ikm: &[u8]) -> Result<HpkeKeyPair, CryptoError> {
        self.rust.derive_hpke_keypair(config, ikm)
    }
}

/// Whether what is signed is a message of a group (RFC 9420 §5.1.2, §6.1), and not one of the many leaves of a tree, which are
/// signed once: the label stands in front of what is signed, behind the byte with its length.
fn is_message(signed: &[u8]) -> bool {
    signed
        .get(1..)
        .is_some_and(|label| label.starts_with(b"MLS 1.0 FramedContentTBS"))
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer as _, SigningKey};

    use super::*;

    /// Verifies what a key signs under a label, ten times; whether the key is one that is known then.
    fn is_known_after(label: &str) -> bool {
        let crypto = Crypto::default();
        let signing = SigningKey::from_bytes(&[3; 32]);
        let key = signing.verifying_key().to_bytes();
        let content = [
            &[u8::try_from(label.len()).unwrap_or_default()],
            label.as_bytes(),
            b"\x05hello",
        ]
        .concat();
        let signature = signing.sign(&content).to_bytes();
        let verify =
            |signature: &[u8]| crypto.verify_signature(SignatureScheme::ED25519, &content, &key, signature);
        let mut wrong = signature;
        wrong[40] ^= 1;
        for _ in 0..10 {
            assert_eq!(verify(&signature), Ok(()));
            assert_eq!(verify(&wrong), Err(CryptoError::InvalidSignature));
            assert_eq!(verify(&signature[1..]), Err(CryptoError::CryptoLibraryError));
        }
        crypto.signers.verify(&key, &content, &signature).is_some()
    }

    #[test]
    fn who_speaks_often_is_known_and_whose_leaf_is_seen_often_is_not() {
        assert!(is_known_after("MLS 1.0 FramedContentTBS"));
        assert!(!is_known_after("MLS 1.0 LeafNodeTBS"));
    }
}
