//! The list as it was in the autumn of 2023: signed, then encrypted to the own public key. Read only.
//!
//! # Source
//! libxmtp `xmtp_ecies` (52251d80d, 113de24df); the layout is that of the Rust crate `ecies` 0.2. The package that wrote it is
//! not published any more: `tests/vectors/preferences.json` holds a message that was built after its source.

use aes_gcm::AesGcm;
use aes_gcm::aead::consts::U16;
use aes_gcm::aead::{Aead as _, KeyInit as _};
use aes_gcm::aes::Aes256;
use hkdf::Hkdf;
use k256::ecdsa::signature::hazmat::PrehashVerifier as _;
use k256::ecdsa::{Signature, SigningKey, VerifyingKey};
use k256::elliptic_curve::sec1::ToEncodedPoint as _;
use prost::Message as _;
use sha2::Sha256;
use sha3::{Digest as _, Sha3_256};
use zeroize::Zeroizing;

use super::key::IdentityKey;
use crate::preferences::PreferenceError;
use crate::proto::xmtp::message_contents as proto;

/// An uncompressed point.
const POINT_LEN: usize = 65;
const NONCE_LEN: usize = 16;
const TAG_LEN: usize = 16;

/// Opens a message of 2023 and checks who signed it: the owner of the list. What comes out is an action.
///
/// # Errors
/// [`PreferenceError::Payload`].
pub fn decrypt(key: &IdentityKey, message: &[u8]) -> Result<Vec<u8>, PreferenceError> {
    let message =
        proto::EciesMessage::decode(message).map_err(|_| PreferenceError::Payload("it does not decode"))?;
    let Some(proto::ecies_message::Version::V1(sealed)) = message.version else {
        return Err(PreferenceError::Payload("no ciphertext in it"));
    };
    let own = SigningKey::from_slice(key.secret().as_slice()).map_err(|_| PreferenceError::IdentityKey)?;
    let plain = open(&own, &sealed)?;
    let signed = proto::SignedPayload::decode(plain.as_slice())
        .map_err(|_| PreferenceError::Payload("nothing signed in it"))?;
    verify(own.verifying_key(), &signed)?;
    Ok(signed.payload)
}

fn open(own: &SigningKey, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, PreferenceError> {
    let short = || PreferenceError::Payload("it is too short");
    let (ephemeral, rest) = sealed.split_at_checked(POINT_LEN).ok_or_else(short)?;
    let (nonce, rest) = rest.split_at_checked(NONCE_LEN).ok_or_else(short)?;
    let (tag, ciphertext) = rest.split_at_checked(TAG_LEN).ok_or_else(short)?;
    let theirs = VerifyingKey::from_sec1_bytes(ephemeral)
        .map_err(|_| PreferenceError::Payload("a key that is no point of the curve"))?;
    let shared = (theirs.as_affine().to_owned() * own.as_nonzero_scalar().as_ref())
        .to_affine()
        .to_encoded_point(false);
    let secret = Zeroizing::new([ephemeral, shared.as_bytes()].concat());
    let mut key = Zeroizing::new([0u8; 32]);
    Hkdf::<Sha256>::new(None, secret.as_slice())
        .expand(&[], key.as_mut_slice())
        .map_err(|_| PreferenceError::Payload("no key"))?;
    AesGcm::<Aes256, U16>::new(key.as_slice().into())
        .decrypt(nonce.into(), [ciphertext, tag].concat().as_slice())
        .map(Zeroizing::new)
        .map_err(|_| PreferenceError::Payload("it was encrypted to another key"))
}

fn verify(own: &VerifyingKey, signed: &proto::SignedPayload) -> Result<(), PreferenceError> {
    let Some(proto::signature::Union::EcdsaCompact(signature)) = signed
        .signature
        .as_ref()
        .and_then(|signature| signature.union.as_ref())
    else {
        return Err(PreferenceError::Payload("nobody signed it"));
    };
    let wrong = |_| PreferenceError::Payload("somebody else signed it");
    let signature = Signature::from_slice(&signature.bytes).map_err(wrong)?;
    own.verify_prehash(&Sha3_256::digest(&signed.payload), &signature)
        .map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes: Vec<u8>) {
            let key = IdentityKey::from_bytes(&[1; 32]).expect("a key");
            let _ = decrypt(&key, &bytes);
            let message = proto::EciesMessage { version: Some(proto::ecies_message::Version::V1(bytes)) };
            prop_assert!(decrypt(&key, &message.encode_to_vec()).is_err());
        }
    }
}
