//! Encrypting files that lie elsewhere, and opening them.
//!
//! # Source
//! XIP-17 as deployed: the file as an encoded `attachment:1.0`, AES-256-GCM under a key derived by HKDF-SHA256, the
//! SHA-256 of the result in the message. Checked both ways against `@xmtp/content-type-remote-attachment` 2.0.4 and
//! `@xmtp/wasm-bindings` 1.11.0.

use aes_gcm::aead::{Aead as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce};
use hkdf::Hkdf;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::attachment::Attachment;
use super::remote_attachment::{KEY_LEN, NONCE_LEN, RemoteAttachment};
use crate::messages::{ContentError, EncodedContent};

/// Fresh random bytes for one file. Never use them twice.
#[derive(Clone)]
pub struct AttachmentKeys {
    /// What the key is derived from.
    pub secret: [u8; KEY_LEN],
    /// With what.
    pub salt: [u8; KEY_LEN],
    /// The cipher's nonce.
    pub nonce: [u8; NONCE_LEN],
}

/// Without the keys.
impl std::fmt::Debug for AttachmentKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AttachmentKeys").finish_non_exhaustive()
    }
}

/// A file, ready to be uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptedAttachment {
    /// What to upload.
    pub payload: Vec<u8>,
    /// SHA-256 of it, lower-case hex.
    pub content_digest: String,
}

/// Encrypts a file.
///
/// # Errors
/// [`ContentError::TooLarge`] when it has more bytes than the cipher takes.
pub fn encrypt(attachment: &Attachment, keys: &AttachmentKeys) -> Result<EncryptedAttachment, ContentError> {
    let plain = attachment.encode().encode();
    let payload = cipher(&keys.secret, &keys.salt)
        .encrypt(Nonce::from_slice(&keys.nonce), plain.as_slice())
        .map_err(|_| ContentError::TooLarge { limit: usize::MAX })?;
    Ok(EncryptedAttachment {
        content_digest: hex::encode(Sha256::digest(&payload)),
        payload,
    })
}

/// Opens a downloaded file with what its message says. Bytes with another digest are not decrypted.
///
/// # Errors
/// [`ContentError::Field`] for keys of the wrong length, [`ContentError::Digest`], [`ContentError::Decryption`], and
/// what the codec reports: what is inside must be an `attachment`.
pub fn decrypt(payload: &[u8], remote: &RemoteAttachment) -> Result<Attachment, ContentError> {
    remote.check()?;
    let digest = hex::decode(&remote.content_digest).map_err(|_| ContentError::Field("contentDigest"))?;
    if digest != Sha256::digest(payload).as_slice() {
        return Err(ContentError::Digest);
    }
    let plain = cipher(&remote.secret, &remote.salt)
        .decrypt(Nonce::from_slice(&remote.nonce), payload)
        .map_err(|_| ContentError::Decryption)?;
    Attachment::decode(&EncodedContent::decode(&plain)?)
}

fn cipher(secret: &[u8], salt: &[u8]) -> Aes256Gcm {
    Aes256Gcm::new(derived_key(secret, salt).as_slice().into())
}

/// The cipher's key.
pub(super) fn derived_key(secret: &[u8], salt: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0u8; 32]);
    Hkdf::<Sha256>::new(Some(salt), secret)
        .expand(&[], key.as_mut_slice())
        .expect("32 bytes are fewer than HKDF-SHA256 can give");
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn remote(encrypted: &EncryptedAttachment, keys: &AttachmentKeys) -> RemoteAttachment {
        RemoteAttachment {
            url: "https://example.com/blob".into(),
            content_digest: encrypted.content_digest.clone(),
            secret: keys.secret.to_vec(),
            salt: keys.salt.to_vec(),
            nonce: keys.nonce.to_vec(),
            scheme: "https://".into(),
            content_length: None,
            filename: None,
        }
    }

    #[test]
    fn a_file_larger_than_what_compressed_content_may_inflate_to_opens() {
        let keys = AttachmentKeys {
            secret: [1; 32],
            salt: [2; 32],
            nonce: [3; 12],
        };
        let attachment = Attachment {
            filename: None,
            mime_type: "image/jpeg".into(),
            content: vec![7; crate::messages::MAX_INFLATED + 1],
        };
        let encrypted = encrypt(&attachment, &keys).expect("encrypts");
        assert!(decrypt(&encrypted.payload, &remote(&encrypted, &keys)) == Ok(attachment));
    }

    proptest! {
        #[test]
        fn a_file_opens_with_its_keys_and_nothing_else_does(
            content: Vec<u8>, filename: Option<String>, secret: [u8; 32], salt: [u8; 32], nonce: [u8; 12], at: usize,
        ) {
            let keys = AttachmentKeys { secret, salt, nonce };
            let attachment = Attachment { filename, mime_type: "text/plain".into(), content };
            let encrypted = encrypt(&attachment, &keys).expect("encrypts");
            let named = remote(&encrypted, &keys);
            prop_assert_eq!(decrypt(&encrypted.payload, &named), Ok(attachment));

            let mut changed = encrypted.payload.clone();
            let at = at % changed.len();
            changed[at] ^= 1;
            prop_assert_eq!(decrypt(&changed, &named), Err(ContentError::Digest));
            let hidden = RemoteAttachment {
                content_digest: hex::encode_upper(Sha256::digest(&changed)),
                ..named.clone()
            };
            prop_assert_eq!(decrypt(&changed, &hidden), Err(ContentError::Decryption));
            let short = RemoteAttachment { salt: vec![0; 31], ..named };
            prop_assert_eq!(decrypt(&encrypted.payload, &short), Err(ContentError::Field("salt")));
        }
    }

    #[test]
    fn what_is_inside_must_be_an_attachment() {
        let keys = AttachmentKeys {
            secret: [1; 32],
            salt: [2; 32],
            nonce: [3; 12],
        };
        let inner = super::super::text::encode("not a file").encode();
        let payload = cipher(&keys.secret, &keys.salt)
            .encrypt(Nonce::from_slice(&keys.nonce), inner.as_slice())
            .expect("encrypts");
        let encrypted = EncryptedAttachment {
            content_digest: hex::encode(Sha256::digest(&payload)),
            payload,
        };
        let opened = decrypt(&encrypted.payload, &remote(&encrypted, &keys));
        assert!(matches!(opened, Err(ContentError::OtherType { .. })));
    }
}
