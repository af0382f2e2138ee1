//! The key that a person's list is encrypted under, and the topic it names.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use sha2::{Digest as _, Sha256};
use sha3::Sha3_256;
use zeroize::Zeroizing;

use crate::preferences::PreferenceError;

/// How many bytes the key has.
pub const KEY_LEN: usize = 32;

/// The salt of the derivation of topics.
const TOPIC_SALT: &[u8] = b"XMTP_PRIVATE_PREFERENCES_TOPIC";

/// The salt of the key that an installation makes for itself. Ours alone: no peer derives keys so.
const DERIVATION_SALT: &[u8] = b"XMTP_WEB_PREFERENCES_IDENTITY_KEY";

/// The identity key of a V2 key bundle: a secp256k1 private scalar with its public key. Not a wallet's key, and not that
/// of an installation. Wiped when dropped, never printed.
#[derive(Clone)]
pub struct IdentityKey {
    secret: Zeroizing<[u8; KEY_LEN]>,
    public: Vec<u8>,
}

impl std::fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdentityKey(…)")
    }
}

impl IdentityKey {
    /// The key with these 32 bytes, big-endian.
    ///
    /// # Errors
    /// [`PreferenceError::IdentityKey`] for another length, and for what is no private key of secp256k1.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PreferenceError> {
        let secret: [u8; KEY_LEN] = bytes.try_into().map_err(|_| PreferenceError::IdentityKey)?;
        let secret = Zeroizing::new(secret);
        let key = k256::ecdsa::SigningKey::from_slice(secret.as_slice())
            .map_err(|_| PreferenceError::IdentityKey)?;
        let public = key.verifying_key().to_encoded_point(false).as_bytes().to_vec();
        Ok(Self { secret, public })
    }

    /// The key that the installation with this seed makes for itself, always the same.
    ///
    /// # Errors
    /// [`PreferenceError::IdentityKey`], which no seed is known to cause: one in 2^1024 would.
    pub fn of_installation(seed: &[u8; 32]) -> Result<Self, PreferenceError> {
        let hkdf = Hkdf::<Sha256>::new(Some(DERIVATION_SALT), seed);
        // Most numbers of 32 bytes are scalars of the curve; all but one in 2^128.
        for attempt in 0..8u8 {
            let mut secret = Zeroizing::new([0u8; KEY_LEN]);
            hkdf.expand(&[attempt], secret.as_mut_slice())
                .map_err(|_| PreferenceError::IdentityKey)?;
            if let Ok(key) = Self::from_bytes(secret.as_slice()) {
                return Ok(key);
            }
        }
        Err(PreferenceError::IdentityKey)
    }

    /// The 32 bytes of the private scalar.
    #[must_use]
    pub fn secret(&self) -> &[u8; KEY_LEN] {
        &self.secret
    }

    /// The public key, uncompressed: 65 bytes, the first of them 4.
    #[must_use]
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// The topic of the list.
    #[must_use]
    pub fn topic(&self) -> String {
        content_topic(&identifier(self.secret.as_slice()))
    }

    /// The topic of the list as it was in the autumn of 2023.
    #[must_use]
    pub fn topic_of_2023(&self) -> String {
        content_topic(&identifier_of_2023(self.secret.as_slice()))
    }
}

/// What names the list of a private key in its topic: 43 characters of base64url.
///
/// # Source
/// libxmtp `xmtp_user_preferences` (84ab7f562), `@xmtp/user-preferences-bindings-wasm` 0.3.6.
#[must_use]
pub fn identifier(private_key: &[u8]) -> String {
    let mut derived = Zeroizing::new([0u8; 32]);
    // 32 bytes are never too many for HKDF; were they, the topic would be one nobody uses.
    let _ = Hkdf::<Sha256>::new(Some(TOPIC_SALT), private_key).expand(&[], derived.as_mut_slice());
    URL_SAFE_NO_PAD.encode(Sha256::digest(derived.as_slice()))
}

/// The same in the autumn of 2023, with SHA3-256.
///
/// # Source
/// libxmtp `xmtp_ecies` (f09b49cd9).
#[must_use]
pub fn identifier_of_2023(private_key: &[u8]) -> String {
    let mut derived = Zeroizing::new([0u8; 32]);
    let _ = Hkdf::<Sha3_256>::new(Some(TOPIC_SALT), private_key).expand(&[], derived.as_mut_slice());
    URL_SAFE_NO_PAD.encode(Sha3_256::digest(derived.as_slice()))
}

fn content_topic(identifier: &str) -> String {
    format!("/xmtp/0/userpreferences-{identifier}/proto")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_private_keys_of_the_curve_are_taken() {
        for wrong in [vec![], vec![1; 31], vec![1; 33], vec![0; 32], vec![0xff; 32]] {
            assert!(matches!(
                IdentityKey::from_bytes(&wrong),
                Err(PreferenceError::IdentityKey)
            ));
        }
        let key = IdentityKey::from_bytes(&[1; 32]).expect("a key");
        assert_eq!((key.public().len(), key.public()[0]), (65, 4));
        assert_eq!(format!("{key:?}"), "IdentityKey(…)");
    }

    #[test]
    fn an_installation_always_makes_the_same_key_and_none_that_another_makes() {
        let of = |byte| *IdentityKey::of_installation(&[byte; 32]).expect("a key").secret();
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        assert_ne!(of(1), [1; 32]);
    }
}
