//! One payload of the list: AES-256-GCM under a key from two steps of HKDF.
//!
//! # Source
//! libxmtp `xmtp_user_preferences` (84ab7f562) and `xmtp_v2::encryption`; what is taken and refused is what
//! `@xmtp/user-preferences-bindings-wasm` 0.3.6 takes and refuses (`tests/vectors/preferences.json`).

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use hkdf::Hkdf;
use prost::Message as _;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::preferences::PreferenceError;
use crate::proto::xmtp::message_contents as proto;

/// The salt of the first step.
const SALT: &[u8] = b"XMTP_PRIVATE_PREFERENCES_ENCRYPTION";

/// How many bytes the salt of the second step has where we make it. Peers take any number.
pub const SALT_LEN: usize = 32;

/// How many bytes the cipher's nonce has.
pub const NONCE_LEN: usize = 12;

/// Fresh random bytes for one payload. Never use them twice.
#[derive(Debug, Clone, Copy)]
pub struct Freshness {
    /// The salt of the second step.
    pub salt: [u8; SALT_LEN],
    /// The cipher's nonce.
    pub nonce: [u8; NONCE_LEN],
}

/// Encrypts `message`, which may be empty. The public key, uncompressed, is authenticated along with it.
///
/// # Errors
/// [`PreferenceError::Payload`] when the message has more bytes than the cipher takes.
pub fn encrypt(
    public_key: &[u8],
    private_key: &[u8],
    message: &[u8],
    fresh: &Freshness,
) -> Result<Vec<u8>, PreferenceError> {
    let payload = cipher(private_key, &fresh.salt)?
        .encrypt(
            Nonce::from_slice(&fresh.nonce),
            Payload {
                msg: message,
                aad: public_key,
            },
        )
        .map_err(|_| PreferenceError::Payload("it is too long"))?;
    let ciphertext = proto::Ciphertext {
        union: Some(proto::ciphertext::Union::Aes256GcmHkdfSha256(
            proto::ciphertext::Aes256gcmHkdfsha256 {
                hkdf_salt: fresh.salt.to_vec(),
                gcm_nonce: fresh.nonce.to_vec(),
                payload,
            },
        )),
    };
    let sealed = proto::PrivatePreferencesPayload {
        version: Some(proto::private_preferences_payload::Version::V1(ciphertext)),
    };
    Ok(sealed.encode_to_vec())
}

/// Opens what [`encrypt`] made, here or elsewhere.
///
/// # Errors
/// [`PreferenceError::Payload`].
pub fn decrypt(
    public_key: &[u8],
    private_key: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, PreferenceError> {
    let payload = proto::PrivatePreferencesPayload::decode(sealed)
        .map_err(|_| PreferenceError::Payload("it does not decode"))?;
    let Some(proto::private_preferences_payload::Version::V1(ciphertext)) = payload.version else {
        return Err(PreferenceError::Payload("no ciphertext in it"));
    };
    let Some(proto::ciphertext::Union::Aes256GcmHkdfSha256(sealed)) = ciphertext.union else {
        return Err(PreferenceError::Payload("an unknown kind of ciphertext"));
    };
    if sealed.gcm_nonce.len() != NONCE_LEN {
        return Err(PreferenceError::Payload("a nonce is 12 bytes"));
    }
    cipher(private_key, &sealed.hkdf_salt)?
        .decrypt(
            Nonce::from_slice(&sealed.gcm_nonce),
            Payload {
                msg: &sealed.payload,
                aad: public_key,
            },
        )
        .map(Zeroizing::new)
        .map_err(|_| PreferenceError::Payload("it was encrypted under another key"))
}

fn cipher(private_key: &[u8], salt: &[u8]) -> Result<Aes256Gcm, PreferenceError> {
    let step = |salt: &[u8], secret: &[u8]| -> Result<Zeroizing<[u8; 32]>, PreferenceError> {
        let mut key = Zeroizing::new([0u8; 32]);
        Hkdf::<Sha256>::new(Some(salt), secret)
            .expand(&[], key.as_mut_slice())
            .map_err(|_| PreferenceError::Payload("no key"))?;
        Ok(key)
    };
    let of_person = step(SALT, private_key)?;
    let of_payload = step(salt, of_person.as_slice())?;
    Ok(Aes256Gcm::new(of_payload.as_slice().into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_nonce_of_another_length_is_an_error_and_no_panic() {
        for length in [0, 11, 13, 16] {
            let payload = proto::PrivatePreferencesPayload {
                version: Some(proto::private_preferences_payload::Version::V1(
                    proto::Ciphertext {
                        union: Some(proto::ciphertext::Union::Aes256GcmHkdfSha256(
                            proto::ciphertext::Aes256gcmHkdfsha256 {
                                hkdf_salt: vec![1; 32],
                                gcm_nonce: vec![2; length],
                                payload: vec![3; 32],
                            },
                        )),
                    },
                )),
            };
            assert_eq!(
                decrypt(&[4; 65], &[5; 32], &payload.encode_to_vec()),
                Err(PreferenceError::Payload("a nonce is 12 bytes"))
            );
        }
    }

    proptest! {
        #[test]
        fn what_was_encrypted_decrypts_and_changed_bytes_do_not(
            message: Vec<u8>, salt: [u8; 32], nonce: [u8; 12], at: proptest::sample::Index, bit in 0u8..8,
        ) {
            let sealed = encrypt(&[4; 65], &[5; 32], &message, &Freshness { salt, nonce }).expect("encrypts");
            let opened = decrypt(&[4; 65], &[5; 32], &sealed).expect("decrypts");
            prop_assert_eq!(opened.as_slice(), message.as_slice());
            prop_assert!(decrypt(&[4; 65], &[6; 32], &sealed).is_err());
            let mut changed = sealed;
            let at = at.index(changed.len());
            changed[at] ^= 1 << bit;
            // Some bits of the framing say nothing; none of them may change what is read.
            if let Ok(read) = decrypt(&[4; 65], &[5; 32], &changed) {
                prop_assert_eq!(read.as_slice(), message.as_slice());
            }
        }

        #[test]
        fn random_bytes_never_panic(bytes: Vec<u8>) {
            let _ = decrypt(&[4; 65], &[5; 32], &bytes);
        }
    }
}
