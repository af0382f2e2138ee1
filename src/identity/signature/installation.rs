//! The key of an installation and its three ways to sign.

use crate::identity::error::IdentityError;
use crate::ids::InstallationId;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha512};
use std::fmt;
use zeroize::Zeroizing;

/// Context of signatures over identity updates. Source: libxmtp `xmtp_id`, `constants.rs`.
const IDENTITY_CONTEXT: &[u8] = b"IDENTITY UPDATE SIGNATURE";
/// Context of signatures that apps ask for. Source: libxmtp `xmtp_id`, `constants.rs`.
const PUBLIC_CONTEXT: &[u8] = b"PUBLIC SIGNATURE CONTEXT";

/// The secret of an installation: an Ed25519 key, also its MLS signature key. Wiped from memory when dropped.
#[derive(Clone)]
pub struct InstallationKey(SigningKey);

impl InstallationKey {
    /// Makes a fresh key.
    ///
    /// # Errors
    /// [`IdentityError::NoRandomness`] if the system has none to give.
    pub fn generate() -> Result<Self, IdentityError> {
        let mut seed = Zeroizing::new([0u8; 32]);
        getrandom::fill(seed.as_mut_slice()).map_err(|_| IdentityError::NoRandomness)?;
        Ok(Self::from_seed(&seed))
    }

    /// The key of a stored seed (32 bytes, RFC 8032 §5.1.5).
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The seed, to be stored; it is the secret.
    #[must_use]
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The public half, which is the installation's id.
    #[must_use]
    pub fn id(&self) -> InstallationId {
        InstallationId::new(self.0.verifying_key().to_bytes())
    }

    /// Signs the text of an identity update (64 bytes): Ed25519ph, context `IDENTITY UPDATE SIGNATURE`.
    #[must_use]
    pub fn sign_identity_text(&self, text: &str) -> [u8; 64] {
        self.sign_prehashed(text, IDENTITY_CONTEXT)
    }

    /// Signs text for an app (64 bytes): Ed25519ph, context `PUBLIC SIGNATURE CONTEXT`.
    #[must_use]
    pub fn sign_public_context(&self, text: &str) -> [u8; 64] {
        self.sign_prehashed(text, PUBLIC_CONTEXT)
    }

    /// Signs bytes for MLS (64 bytes): plain Ed25519. What MLS adds in front is the caller's business.
    #[must_use]
    pub fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        self.0.sign(bytes).to_bytes()
    }

    fn sign_prehashed(&self, text: &str, context: &[u8]) -> [u8; 64] {
        self.0
            .sign_prehashed(Sha512::new_with_prefix(text), Some(context))
            .expect("only a context above 255 bytes fails, and both are shorter")
            .to_bytes()
    }
}

/// The first four bytes of the public half.
impl fmt::Debug for InstallationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InstallationKey({}…)", hex::encode(&self.id().as_bytes()[..4]))
    }
}

/// Checks an installation's signature over the text of an identity update.
///
/// # Errors
/// [`IdentityError::InvalidInstallationKey`] if `key` is no point of the curve,
/// [`IdentityError::InvalidInstallationSignature`] if the signature is not 64 bytes or does not verify.
pub fn verify_identity_text(key: &InstallationId, text: &str, signature: &[u8]) -> Result<(), IdentityError> {
    verify_prehashed(key, text, signature, IDENTITY_CONTEXT)
}

/// Checks a signature that an app had an installation make ([`InstallationKey::sign_public_context`]).
///
/// # Errors
/// As [`verify_identity_text`].
pub fn verify_public_context(
    key: &InstallationId,
    text: &str,
    signature: &[u8],
) -> Result<(), IdentityError> {
    verify_prehashed(key, text, signature, PUBLIC_CONTEXT)
}

/// The curve point of an installation id.
pub(in crate::identity) fn verifying_key(key: &InstallationId) -> Result<VerifyingKey, IdentityError> {
    VerifyingKey::from_bytes(key.as_bytes()).map_err(|_| IdentityError::InvalidInstallationKey)
}

fn verify_prehashed(
    key: &InstallationId,
    text: &str,
    signature: &[u8],
    context: &[u8],
) -> Result<(), IdentityError> {
    let refused = |_| IdentityError::InvalidInstallationSignature;
    let signature = Signature::from_slice(signature).map_err(refused)?;
    // Not the strict check: peers use the plain one, and everybody has to agree on what verifies.
    verifying_key(key)?
        .verify_prehashed(Sha512::new_with_prefix(text), Some(context), &signature)
        .map_err(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> InstallationKey {
        InstallationKey::from_seed(&std::array::from_fn(|i| u8::try_from(i).expect("below 32")))
    }

    #[test]
    fn debug_shows_only_the_public_prefix() {
        assert_eq!(format!("{:?}", key()), "InstallationKey(03a107bf…)");
    }

    #[test]
    fn the_seed_makes_the_key_again() {
        let fresh = InstallationKey::generate().expect("randomness");
        assert_eq!(InstallationKey::from_seed(&fresh.seed()).id(), fresh.id());
        assert_ne!(fresh.id(), InstallationKey::generate().expect("randomness").id());
    }

    #[test]
    fn the_contexts_do_not_stand_in_for_each_other() {
        let (key, text) = (key(), "text");
        let (identity, public, plain) = (
            key.sign_identity_text(text),
            key.sign_public_context(text),
            key.sign(text.as_bytes()),
        );
        assert_eq!(verify_identity_text(&key.id(), text, &identity), Ok(()));
        assert_eq!(verify_public_context(&key.id(), text, &public), Ok(()));
        let refused = Err(IdentityError::InvalidInstallationSignature);
        for wrong in [&public[..], &plain, &identity[..63], &[]] {
            assert_eq!(verify_identity_text(&key.id(), text, wrong), refused);
        }
        assert_eq!(verify_public_context(&key.id(), text, &identity), refused);
        assert_eq!(verify_identity_text(&key.id(), "text ", &identity), refused);
        let other = InstallationKey::from_seed(&[9; 32]).id();
        assert_eq!(verify_identity_text(&other, text, &identity), refused);
    }
}
