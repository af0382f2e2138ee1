//! Encrypting and opening files that lie elsewhere, piece by piece: a file of any size in the memory of a piece.
//!
//! The bytes are those of [`attachment_crypto`](super::attachment_crypto). AES-GCM is counter mode with GHASH over the
//! ciphertext, which both go on from piece to piece; the tests hold it against the one-shot cipher.
//!
//! A file is opened in two passes over the same bytes: the first compares the digest, the second decrypts. What the second
//! gives counts only once [`Decryptor::finish`] has compared the tag.
//!
//! # Source
//! NIST SP 800-38D, §6 and §7, with a nonce of 96 bits.

use aes_gcm::aes::Aes256;
use ctr::Ctr32BE;
use ctr::cipher::{BlockEncrypt as _, KeyInit as _, KeyIvInit as _, StreamCipher as _};
use ghash::GHash;
use ghash::universal_hash::UniversalHash as _;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::attachment::Attachment;
use super::attachment_crypto::{AttachmentKeys, derived_key};
use super::remote_attachment::RemoteAttachment;
use crate::messages::{ContentError, EncodedContent};

const BLOCK: usize = 16;
const TAG: u64 = 16;

/// The largest encrypted file: its message says its length in 32 bits.
pub const MAX_PAYLOAD: u64 = u32::MAX as u64;

/// How many bytes of an encoded attachment beside the file itself are read.
const MAX_FIELDS: usize = 64 * 1024;

/// The tag of the field that holds the file, a string of bytes.
const CONTENT_FIELD: u64 = 4;

/// What is known of a file before it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInfo {
    /// Its name.
    pub filename: Option<String>,
    /// Its MIME type.
    pub mime_type: String,
    /// How many bytes it has.
    pub size: u64,
}

/// AES-256-GCM that goes on.
struct Gcm {
    stream: Ctr32BE<Aes256>,
    hash: GHash,
    /// The ciphertext since the last whole block.
    partial: Vec<u8>,
    length: u64,
    mask: [u8; BLOCK],
}

impl Gcm {
    fn new(secret: &[u8], salt: &[u8], nonce: &[u8; 12]) -> Result<Self, ContentError> {
        let key = derived_key(secret, salt);
        let cipher = Aes256::new(key.as_slice().into());
        let mut hash_key = Zeroizing::new([0u8; BLOCK]);
        cipher.encrypt_block(hash_key.as_mut_slice().into());
        let mut counter = [0u8; BLOCK];
        counter[..nonce.len()].copy_from_slice(nonce);
        counter[BLOCK - 1] = 1;
        let mut stream = Ctr32BE::<Aes256>::new(key.as_slice().into(), &counter.into());
        // The first block of the key stream covers the tag.
        let mut mask = [0u8; BLOCK];
        stream
            .try_apply_keystream(&mut mask)
            .map_err(|_| ContentError::Decryption)?;
        Ok(Self {
            stream,
            hash: GHash::new(hash_key.as_slice().into()),
            partial: Vec::with_capacity(BLOCK),
            length: 0,
            mask,
        })
    }

    fn encrypt(&mut self, bytes: &mut [u8]) -> Result<(), ContentError> {
        self.apply(bytes)?;
        self.absorb(bytes);
        Ok(())
    }

    fn decrypt(&mut self, bytes: &mut [u8]) -> Result<(), ContentError> {
        self.absorb(bytes);
        self.apply(bytes)
    }

    fn apply(&mut self, bytes: &mut [u8]) -> Result<(), ContentError> {
        self.stream.try_apply_keystream(bytes).map_err(|_| too_large())
    }

    fn absorb(&mut self, ciphertext: &[u8]) {
        self.length = self.length.saturating_add(ciphertext.len() as u64);
        let mut rest = ciphertext;
        if !self.partial.is_empty() {
            let (head, tail) = rest.split_at(rest.len().min(BLOCK - self.partial.len()));
            self.partial.extend_from_slice(head);
            rest = tail;
            if self.partial.len() == BLOCK {
                self.hash.update_padded(&self.partial);
                self.partial.clear();
            }
        }
        let (whole, tail) = rest.split_at(rest.len() - rest.len() % BLOCK);
        self.hash.update_padded(whole);
        self.partial.extend_from_slice(tail);
    }

    fn tag(mut self) -> [u8; BLOCK] {
        self.hash.update_padded(&self.partial);
        let mut lengths = [0u8; BLOCK];
        // Nothing is authenticated beside the ciphertext.
        lengths[8..].copy_from_slice(&self.length.saturating_mul(8).to_be_bytes());
        self.hash.update(&[lengths.into()]);
        let mut tag: [u8; BLOCK] = self.hash.finalize().into();
        for (byte, mask) in tag.iter_mut().zip(self.mask) {
            *byte ^= mask;
        }
        tag
    }
}

fn too_large() -> ContentError {
    ContentError::TooLarge {
        limit: usize::try_from(MAX_PAYLOAD).unwrap_or(usize::MAX),
    }
}

/// Encrypts a file.
pub struct Encryptor {
    gcm: Gcm,
    digest: Sha256,
    /// What comes before the file's bytes, until it was given out.
    header: Vec<u8>,
    left: u64,
    payload_len: u32,
}

impl std::fmt::Debug for Encryptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encryptor")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

/// The end of an encrypted file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encrypted {
    /// Its last bytes.
    pub tail: Vec<u8>,
    /// SHA-256 of all of them, lower-case hex.
    pub content_digest: String,
}

impl Encryptor {
    /// Begins a file.
    ///
    /// # Errors
    /// [`ContentError::TooLarge`] when it would be larger than [`MAX_PAYLOAD`].
    pub fn new(info: &FileInfo, keys: &AttachmentKeys) -> Result<Self, ContentError> {
        let attachment = Attachment {
            filename: info.filename.clone(),
            mime_type: info.mime_type.clone(),
            content: Vec::new(),
        };
        let mut header = attachment.encode().encode();
        if info.size > 0 {
            prost::encoding::encode_key(4, prost::encoding::WireType::LengthDelimited, &mut header);
            prost::encoding::encode_varint(info.size, &mut header);
        }
        let payload_len = (header.len() as u64)
            .checked_add(info.size)
            .and_then(|length| length.checked_add(TAG))
            .and_then(|length| u32::try_from(length).ok())
            .ok_or_else(too_large)?;
        Ok(Self {
            gcm: Gcm::new(&keys.secret, &keys.salt, &keys.nonce)?,
            digest: Sha256::new(),
            header,
            left: info.size,
            payload_len,
        })
    }

    /// How many bytes the encrypted file will have.
    #[must_use]
    pub const fn payload_len(&self) -> u32 {
        self.payload_len
    }

    /// The next piece, encrypted.
    ///
    /// # Errors
    /// [`ContentError::Rule`] when the file is larger than it was said to be.
    pub fn update(&mut self, piece: &[u8]) -> Result<Vec<u8>, ContentError> {
        self.left = self
            .left
            .checked_sub(piece.len() as u64)
            .ok_or(ContentError::Rule(
                "the file has more bytes than it was said to have",
            ))?;
        let mut bytes = std::mem::take(&mut self.header);
        bytes.extend_from_slice(piece);
        self.gcm.encrypt(&mut bytes)?;
        self.digest.update(&bytes);
        Ok(bytes)
    }

    /// The end.
    ///
    /// # Errors
    /// [`ContentError::Rule`] when the file is shorter than it was said to be.
    pub fn finish(mut self) -> Result<Encrypted, ContentError> {
        if self.left > 0 {
            return Err(ContentError::Rule(
                "the file has fewer bytes than it was said to have",
            ));
        }
        let mut tail = self.update(&[])?;
        let tag = self.gcm.tag();
        self.digest.update(tag);
        tail.extend_from_slice(&tag);
        Ok(Encrypted {
            tail,
            content_digest: hex::encode(self.digest.finalize()),
        })
    }
}

/// The first pass over an encrypted file.
#[derive(Debug)]
pub struct Verifier {
    digest: Sha256,
    remote: RemoteAttachment,
    size: u64,
    seen: u64,
}

impl Verifier {
    /// Begins with what the message says, and how many bytes were loaded.
    ///
    /// # Errors
    /// [`ContentError::Field`] for keys of the wrong length, [`ContentError::Digest`] for another length than the
    /// message says.
    pub fn new(remote: &RemoteAttachment, size: u64) -> Result<Self, ContentError> {
        remote.check()?;
        if remote
            .content_length
            .is_some_and(|length| u64::from(length) != size)
        {
            return Err(ContentError::Digest);
        }
        Ok(Self {
            digest: Sha256::new(),
            remote: remote.clone(),
            size,
            seen: 0,
        })
    }

    /// The next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.seen = self.seen.saturating_add(piece.len() as u64);
        self.digest.update(piece);
    }

    /// Goes on to the second pass, if these are the bytes that were sent.
    ///
    /// # Errors
    /// [`ContentError::Digest`], [`ContentError::Decryption`] for bytes that are too few.
    pub fn finish(self) -> Result<Decryptor, ContentError> {
        let expected =
            hex::decode(&self.remote.content_digest).map_err(|_| ContentError::Field("contentDigest"))?;
        if self.seen != self.size || expected != self.digest.finalize().as_slice() {
            return Err(ContentError::Digest);
        }
        let nonce = self.remote.nonce.as_slice();
        let nonce = nonce.try_into().map_err(|_| ContentError::Field("nonce"))?;
        Ok(Decryptor {
            gcm: Gcm::new(&self.remote.secret, &self.remote.salt, nonce)?,
            left: self.size.checked_sub(TAG).ok_or(ContentError::Decryption)?,
            tag: Vec::new(),
            fields: Fields::default(),
        })
    }
}

/// The second pass over an encrypted file.
pub struct Decryptor {
    gcm: Gcm,
    /// How much ciphertext is still to come.
    left: u64,
    tag: Vec<u8>,
    fields: Fields,
}

impl std::fmt::Debug for Decryptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decryptor")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

impl Decryptor {
    /// What the next piece holds of the file. Not to be used before [`finish`](Self::finish) has succeeded.
    ///
    /// # Errors
    /// [`ContentError::Malformed`] for what is no encoded content.
    pub fn update(&mut self, piece: &[u8]) -> Result<Vec<u8>, ContentError> {
        let ciphertext = usize::try_from(self.left).unwrap_or(usize::MAX).min(piece.len());
        let (ciphertext, tag) = piece.split_at(ciphertext);
        self.left -= ciphertext.len() as u64;
        self.tag.extend_from_slice(tag);
        if self.tag.len() > BLOCK {
            return Err(ContentError::Digest);
        }
        let mut plain = ciphertext.to_vec();
        self.gcm.decrypt(&mut plain)?;
        self.fields.read(&plain)
    }

    /// What else is known of the file, if everything was there and untouched.
    ///
    /// # Errors
    /// [`ContentError::Decryption`], and what the codec reports: what is inside must be an `attachment`, and not
    /// compressed.
    pub fn finish(self) -> Result<FileInfo, ContentError> {
        let expected = self.gcm.tag();
        let difference = expected
            .iter()
            .zip(&self.tag)
            .fold(0, |sum, (a, b)| sum | (a ^ b));
        if self.left > 0 || self.tag.len() != BLOCK || difference != 0 {
            return Err(ContentError::Decryption);
        }
        let (content, size) = self.fields.finish()?;
        if content.compression.is_some() {
            return Err(ContentError::Compression);
        }
        let attachment = Attachment::decode(&content)?;
        Ok(FileInfo {
            filename: attachment.filename,
            mime_type: attachment.mime_type,
            size,
        })
    }
}

/// The fields of an encoded content as they come: the file's bytes go through, all others are kept.
#[derive(Default)]
struct Fields {
    /// The beginning of a field.
    pending: Vec<u8>,
    /// All fields but the file.
    others: Vec<u8>,
    /// How many of the file's bytes are to come.
    left: u64,
    /// How many there are in all.
    size: Option<u64>,
}

/// A field at the beginning of some bytes.
enum Field {
    /// The file, of so many bytes, which begin after so many.
    File { at: usize, size: u64 },
    /// Another one, so many bytes long.
    Other(usize),
    /// It does not end here.
    Incomplete,
}

impl Fields {
    fn read(&mut self, mut plain: &[u8]) -> Result<Vec<u8>, ContentError> {
        let mut file = Vec::new();
        while !plain.is_empty() {
            if self.left > 0 {
                let (bytes, rest) =
                    plain.split_at(usize::try_from(self.left).unwrap_or(usize::MAX).min(plain.len()));
                file.extend_from_slice(bytes);
                self.left -= bytes.len() as u64;
                plain = rest;
                continue;
            }
            // Fields are short, so that they are looked at again from their beginning costs little.
            let known = self.pending.len();
            let taken = plain.len().min(MAX_FIELDS);
            self.pending.extend_from_slice(&plain[..taken]);
            let used = match field(&self.pending)? {
                Field::File { at, size } => {
                    if self.size.replace(size).is_some() {
                        return Err(ContentError::Malformed);
                    }
                    self.left = size;
                    at
                }
                Field::Other(length) => {
                    self.others.extend_from_slice(&self.pending[..length]);
                    length
                }
                Field::Incomplete => {
                    if self.pending.len() > MAX_FIELDS {
                        return Err(ContentError::Malformed);
                    }
                    plain = &plain[taken..];
                    continue;
                }
            };
            if self.others.len() > MAX_FIELDS {
                return Err(ContentError::Malformed);
            }
            self.pending.clear();
            // A field that was incomplete before ends within what came now.
            plain = plain.get(used.saturating_sub(known)..).unwrap_or_default();
        }
        Ok(file)
    }

    fn finish(self) -> Result<(EncodedContent, u64), ContentError> {
        if self.left > 0 || !self.pending.is_empty() {
            return Err(ContentError::Malformed);
        }
        Ok((EncodedContent::decode(&self.others)?, self.size.unwrap_or(0)))
    }
}

fn field(bytes: &[u8]) -> Result<Field, ContentError> {
    let mut rest = bytes;
    let Some(key) = varint(&mut rest)? else {
        return Ok(Field::Incomplete);
    };
    let length = match key & 7 {
        0 => {
            if varint(&mut rest)?.is_none() {
                return Ok(Field::Incomplete);
            }
            0
        }
        1 => 8,
        2 => match varint(&mut rest)? {
            Some(length) => length,
            None => return Ok(Field::Incomplete),
        },
        5 => 4,
        _ => return Err(ContentError::Malformed),
    };
    let at = bytes.len() - rest.len();
    if key >> 3 == CONTENT_FIELD && key & 7 == 2 {
        return Ok(Field::File { at, size: length });
    }
    let length = usize::try_from(length).map_err(|_| ContentError::Malformed)?;
    if length > MAX_FIELDS {
        return Err(ContentError::Malformed);
    }
    Ok(if length <= rest.len() {
        Field::Other(at + length)
    } else {
        Field::Incomplete
    })
}

/// A number; `None` when it does not end here.
fn varint(bytes: &mut &[u8]) -> Result<Option<u64>, ContentError> {
    let mut value = 0u64;
    for (index, byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            *bytes = &bytes[index + 1..];
            return Ok(Some(value));
        }
    }
    if bytes.len() >= 10 {
        Err(ContentError::Malformed)
    } else {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::super::attachment_crypto;
    use super::*;
    use proptest::prelude::*;

    fn keys() -> AttachmentKeys {
        AttachmentKeys {
            secret: [1; 32],
            salt: [2; 32],
            nonce: [3; 12],
        }
    }

    fn remote(digest: &str, length: Option<u32>) -> RemoteAttachment {
        let keys = keys();
        RemoteAttachment {
            url: "https://example.com/blob".into(),
            content_digest: digest.to_owned(),
            secret: keys.secret.to_vec(),
            salt: keys.salt.to_vec(),
            nonce: keys.nonce.to_vec(),
            scheme: "https://".into(),
            content_length: length,
            filename: None,
        }
    }

    /// Pieces of these lengths, over and over; never none.
    fn pieces<'a>(mut bytes: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
        let mut pieces = Vec::new();
        for length in lengths.iter().cycle() {
            if bytes.is_empty() {
                break;
            }
            let (piece, rest) = bytes.split_at((*length).clamp(1, bytes.len()));
            pieces.push(piece);
            bytes = rest;
        }
        pieces
    }

    fn encrypt(info: &FileInfo, content: &[u8], lengths: &[usize]) -> (Vec<u8>, String) {
        let mut encryptor = Encryptor::new(info, &keys()).expect("begins");
        let expected = encryptor.payload_len();
        let mut payload = Vec::new();
        for piece in pieces(content, lengths) {
            payload.extend(encryptor.update(piece).expect("encrypts"));
        }
        let end = encryptor.finish().expect("ends");
        payload.extend(end.tail);
        assert_eq!(payload.len() as u64, u64::from(expected));
        (payload, end.content_digest)
    }

    fn decrypt(
        payload: &[u8],
        remote: &RemoteAttachment,
        lengths: &[usize],
    ) -> Result<(FileInfo, Vec<u8>), ContentError> {
        let mut verifier = Verifier::new(remote, payload.len() as u64)?;
        for piece in pieces(payload, lengths) {
            verifier.update(piece);
        }
        let mut decryptor = verifier.finish()?;
        let mut content = Vec::new();
        for piece in pieces(payload, lengths) {
            content.extend(decryptor.update(piece)?);
        }
        Ok((decryptor.finish()?, content))
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_are_the_bytes_of_the_one_shot_cipher(
            content in proptest::collection::vec(any::<u8>(), 0..300),
            filename: Option<String>,
            lengths in proptest::collection::vec(1usize..50, 1..5),
            others in proptest::collection::vec(1usize..50, 1..5),
        ) {
            let attachment = Attachment { filename: filename.clone(), mime_type: "text/plain".into(), content: content.clone() };
            let at_once = attachment_crypto::encrypt(&attachment, &keys()).expect("encrypts");
            let info = FileInfo { filename, mime_type: "text/plain".into(), size: content.len() as u64 };
            let (payload, digest) = encrypt(&info, &content, &lengths);
            // Two parameters stand in any order.
            if info.filename.is_none() {
                prop_assert_eq!(&payload, &at_once.payload);
                prop_assert_eq!(&digest, &at_once.content_digest);
            }
            prop_assert_eq!(payload.len(), at_once.payload.len());
            let named = remote(&digest, u32::try_from(payload.len()).ok());
            prop_assert_eq!(attachment_crypto::decrypt(&payload, &named), Ok(attachment));
            prop_assert_eq!(decrypt(&payload, &named, &others), Ok((info.clone(), content.clone())));
            let named = remote(&at_once.content_digest, None);
            prop_assert_eq!(decrypt(&at_once.payload, &named, &others), Ok((info, content)));
        }

        #[test]
        fn whatever_is_inside_is_read_as_the_one_shot_codec_reads_it(
            plain in proptest::collection::vec(any::<u8>(), 0..80), lengths in proptest::collection::vec(1usize..9, 1..4),
        ) {
            let mut gcm = Gcm::new(&keys().secret, &keys().salt, &keys().nonce).expect("begins");
            let mut payload = plain;
            gcm.encrypt(&mut payload).expect("encrypts");
            payload.extend(gcm.tag());
            let remote = remote(&hex::encode(Sha256::digest(&payload)), None);
            let at_once = attachment_crypto::decrypt(&payload, &remote);
            if let Ok((info, content)) = decrypt(&payload, &remote, &lengths) {
                prop_assert_eq!(at_once, Ok(Attachment { filename: info.filename, mime_type: info.mime_type, content }));
            }
        }
    }

    #[test]
    fn changed_cut_and_wrongly_announced_files_are_refused() {
        let info = FileInfo {
            filename: None,
            mime_type: "a/b".into(),
            size: 100,
        };
        let (payload, digest) = encrypt(&info, &[7; 100], &[30]);
        let length = u32::try_from(payload.len()).expect("short");
        let named = remote(&digest, Some(length));
        let mut changed = payload.clone();
        changed[50] ^= 1;
        assert_eq!(decrypt(&changed, &named, &[30]), Err(ContentError::Digest));
        assert_eq!(decrypt(&payload[1..], &named, &[30]), Err(ContentError::Digest));
        let hidden = remote(&hex::encode(Sha256::digest(&changed)), Some(length));
        assert_eq!(decrypt(&changed, &hidden, &[30]), Err(ContentError::Decryption));
        let few = remote(&hex::encode(Sha256::digest(b"few")), None);
        assert_eq!(decrypt(b"few", &few, &[30]), Err(ContentError::Decryption));
        // Other bytes in the second pass than in the first.
        let mut verifier = Verifier::new(&named, payload.len() as u64).expect("begins");
        verifier.update(&payload);
        let mut decryptor = verifier.finish().expect("the digest is right");
        decryptor.update(&changed).expect("decrypts to something");
        assert_eq!(decryptor.finish(), Err(ContentError::Decryption));
    }

    #[test]
    fn a_file_has_as_many_bytes_as_it_was_said_to_have() {
        let info = |size| FileInfo {
            filename: None,
            mime_type: String::new(),
            size,
        };
        let mut encryptor = Encryptor::new(&info(2), &keys()).expect("begins");
        assert!(encryptor.update(&[1, 2, 3]).is_err());
        let encryptor = Encryptor::new(&info(2), &keys()).expect("begins");
        assert!(matches!(encryptor.finish(), Err(ContentError::Rule(_))));
        assert!(matches!(
            Encryptor::new(&info(u64::from(u32::MAX)), &keys()),
            Err(ContentError::TooLarge { .. })
        ));
        assert!(Encryptor::new(&info(u64::MAX), &keys()).is_err());
    }
}
